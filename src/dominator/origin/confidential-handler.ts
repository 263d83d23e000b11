import type { IncomingMessage } from "node:http";
import { parseMachineCredential } from "../../contract/credential.ts";
import { objectPaths } from "../../contract/sub.ts";
import { admitRequest, type RequestRates, tooManyRequests } from "../../core/network/request-rate.ts";
import type { Log } from "../../core/ports.ts";
import { objectsOf } from "../storage/confidential-contents.ts";
import type { ConfidentialStores } from "../storage/confidential-stores.ts";
import type { ImageStore } from "../storage/image-store.ts";
import { manifestFor } from "../storage/manifest-for.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import {
  answerContents,
  answerOrLog,
  type Exchange,
  isContentsPath,
  type ObjectsHandler,
  pathOf,
  refuse,
  type ServedContents,
} from "../storage/objects-handler.ts";
import type { Right } from "../sub/right.ts";
import { clientHeader, streamsPath } from "./nginx-configuration.ts";

export type ConfidentialHandlerDeps = {
  readonly objects: ObjectStore;
  readonly images: Pick<ImageStore, "findManifest" | "refresh">;
  readonly confidential: ConfidentialStores;
  /** The server's decision; undefined while it decides for too many others. */
  readonly askRight: (authorization: string) => Promise<Right> | undefined;
  readonly requestsPerMinute: number;
  readonly nowMs: () => number;
  readonly log: Log;
};

/** No answer here may be kept by a cache. */
const cacheControl = "no-store";

/**
 * Gives contents and manifests over TLS to agents with a valid credential: what is public, and what belongs to the stream of the image
 * that their machine is to run, packs included. The server decides about each request, so that a right ends at once. A request that
 * comes over the Unix socket is from nginx, which names the client, and sends packs itself.
 */
export function confidentialHandler(deps: ConfidentialHandlerDeps): ObjectsHandler {
  const { log } = deps;
  const rates: RequestRates = new Map();
  const isAdmitted = (exchange: Exchange): boolean => {
    const { requestsPerMinute: perMinute, nowMs } = deps;
    const client = clientOf(exchange.request);
    const admission = admitRequest(rates, client, { perMinute, nowMs: nowMs() });
    if (admission.kind === "admitted") return true;
    if (admission.say) log("warn", tooManyRequests, { client });
    comeBack(exchange, 429, admission.retryAfterSeconds);
    return false;
  };
  return (request, response) => {
    if (!isContentsPath(pathOf(request))) return false;
    const exchange = { request, response };
    if (!isAdmitted(exchange)) return true;
    void answerOrLog(exchange, log, async () => {
      // Before the body: a stranger sends nothing that is kept.
      const isBatch = pathOf(request) === objectPaths.batch;
      if (isBatch && (await streamFor(exchange, deps)) === undefined) return;
      await answerContents(exchange, async () => {
        const right = await streamFor(exchange, deps);
        return right === undefined ? undefined : contentsFor(right.stream, isFromNginx(request), deps);
      });
    });
    return true;
  };
}

/** What the sender may read; undefined if it was refused, which is answered here. */
async function streamFor(
  exchange: Exchange,
  { askRight }: ConfidentialHandlerDeps,
): Promise<Extract<Right, { kind: "right" }> | undefined> {
  const { request, response } = exchange;
  const { authorization = "" } = request.headers;
  // A stranger who does not even have the form of a credential costs the server nothing.
  if (parseMachineCredential(authorization) === undefined) {
    refuse(response, 401, "expected the credential of a machine's agent");
    return undefined;
  }
  const right = await askRight(authorization);
  if (right === undefined) comeBack(exchange, 503, busySeconds);
  if (right?.kind === "refused")
    response.writeHead(right.status, { "content-type": right.type, connection: "close" }).end(right.body);
  return right?.kind === "right" ? right : undefined;
}

const busySeconds = 5;

function comeBack({ response }: Exchange, status: 429 | 503, seconds: number): void {
  response.writeHead(status, { "retry-after": String(seconds), "content-length": 0, connection: "close" }).end();
}

async function contentsFor(
  stream: string | undefined,
  isInFront: boolean,
  { objects, images, confidential }: ConfidentialHandlerDeps,
): Promise<ServedContents> {
  const own = stream === undefined ? undefined : await confidential.ofStream(stream);
  return {
    ...{ objects: await objectsOf(stream, { objects, confidential }), packsOf: own?.directory, cacheControl },
    findManifest: (sha512) => manifestFor(stream, sha512, images),
    ...(isInFront ? { sentInFront: (name) => `${streamsPath}${stream}/packs/${name}` } : {}),
  };
}

/** TCP clients have an address. */
function isFromNginx({ socket }: IncomingMessage): boolean {
  return socket.remoteAddress === undefined;
}

function clientOf(request: IncomingMessage): string {
  const named = request.headers[clientHeader];
  return isFromNginx(request) && typeof named === "string" ? named : (request.socket.remoteAddress ?? "");
}
