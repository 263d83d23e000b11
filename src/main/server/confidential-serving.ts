import { readFile } from "node:fs/promises";
import { parseIpv4 } from "../../core/net/ipv4.ts";
import { machineConnectionLimit } from "../../core/network/connections.ts";
import type { Log } from "../../core/ports.ts";
import { confidentialHandler } from "../../dominator/origin/confidential-handler.ts";
import type { OriginNote, OriginOrder } from "../../dominator/origin/origin-messages.ts";
import { confidentialStores } from "../../dominator/storage/confidential-stores.ts";
import type { ImageStore } from "../../dominator/storage/image-store.ts";
import type { ObjectStore } from "../../dominator/storage/object-store.ts";
import type { ObjectsHandler } from "../../dominator/storage/objects-handler.ts";
import type { Right } from "../../dominator/sub/right.ts";
import { startTlsServer } from "../../mdb/tls/server.ts";

/** How the process that serves confidential contents answers. */
export type ConfidentialServing = {
  readonly handler: ObjectsHandler;
  /** Serves over TLS on these addresses; throws if the port is taken. */
  readonly listen: (addresses: readonly string[], port: number) => Promise<void>;
  /** The server has decided about a question. */
  readonly decided: (id: number, right: Right) => void;
};

type Settings = NonNullable<Extract<OriginOrder, { kind: "begin" }>["confidential"]> & {
  readonly connectionsPerAddress: number;
  readonly objects: ObjectStore;
  readonly images: ImageStore;
  readonly say: (note: OriginNote) => void;
  readonly log: Log;
};

/** Questions that wait for the server at a time; it answers one in less than a millisecond. */
const mostQuestions = 10_000;

/** Serves confidential contents; the server, which knows the machines, decides about each request. */
export function confidentialServing(settings: Settings): ConfidentialServing {
  const { streams, tls, requestsPerMinute, connectionsPerAddress, objects, images, say, log } = settings;
  const waiting = new Map<number, (right: Right) => void>();
  let questions = 0;
  const askRight = (authorization: string): Promise<Right> | undefined => {
    if (waiting.size >= mostQuestions) return undefined;
    questions += 1;
    const id = questions;
    const answered = new Promise<Right>((resolve) => waiting.set(id, resolve));
    say({ kind: "askRight", id, authorization });
    return answered;
  };
  const confidential = confidentialStores(streams);
  const nowMs = () => performance.now();
  const handler = confidentialHandler({ objects, images, confidential, askRight, requestsPerMinute, nowMs, log });
  const certificate = async () => {
    const [certificatePem, keyPem] = await Promise.all(
      [tls.certificate, tls.key].map((path) => readFile(path, "utf8")),
    );
    return { certificatePem: certificatePem ?? "", keyPem: keyPem ?? "" };
  };
  return {
    handler,
    listen: async (addresses, port) => {
      await startTlsServer({
        ...{ addresses: addresses.flatMap((address) => parseIpv4(address) ?? []), port, certificate },
        ...{ connectionsPerAddress, connections: () => machineConnectionLimit(0), log },
        listener: (request, response) => {
          if (!handler(request, response)) response.writeHead(404).end();
        },
      });
    },
    decided: (id, right) => {
      waiting.get(id)?.(right);
      waiting.delete(id);
    },
  };
}
