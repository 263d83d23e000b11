import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { manifestPath, objectPaths, packPath } from "../../contract/sub.ts";
import { planFileAnswer } from "../../core/http/file-answer.ts";
import type { Log } from "../../core/ports.ts";
import type { FoundManifest } from "./image-store.ts";
import { type Manifests, manifestFor } from "./manifest-for.ts";
import { type ContentPart, type ObjectStore, readPart } from "./object-store.ts";
import { findPackFile, type Location } from "./packs/pack-files.ts";
import { isObjectName } from "./sha512.ts";

/** 129 bytes per hash: a hundred thousand objects in one request. */
export const maxBatchRequestBytes = 13_000_000;

export type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

/** Handles a request if it is for objects; returns true if it does, and answers asynchronously. */
export type ObjectsHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What requests are answered from. */
export type ServedContents = {
  readonly objects: BatchSource;
  readonly findManifest: (sha512: string) => Promise<Pick<FoundManifest, "path" | "size"> | undefined>;
  /** The directory of the store whose packs are served; undefined if none is. */
  readonly packsOf: string | undefined;
  readonly cacheControl: string;
  /** The server in front sends this file of a pack: the path by which it knows it. */
  readonly sentInFront?: (name: string) => string;
};

/** Whether a path is one of contents. */
export function isContentsPath(path: string): boolean {
  return path === objectPaths.batch || [manifestPath, packPath, objectPaths.one].some((one) => path.startsWith(one));
}

/**
 * Serves contents over plain HTTP: they are public, and each client verifies them by their hash. Those of confidential images are in other
 * stores (confidential-handler.ts), so that they are missing here. `GET /objects/HEX` returns one. `POST /objects` with hashes, one per
 * line, answers `HEX LENGTH\n` and the bytes for each, in that order, or 404 naming the first missing one. `GET /packs/HEX` returns a pack,
 * and `GET /packs/HEX.index` its index. `GET /manifests/HEX` returns a manifest.
 */
export function objectsHandler({
  objects,
  manifests,
  log,
}: {
  readonly objects: ObjectStore;
  readonly manifests: Manifests;
  readonly log: Log;
}): ObjectsHandler {
  const contents: ServedContents = {
    ...{ objects, packsOf: objects.directory, cacheControl: immutableCacheControl },
    findManifest: (sha512) => manifestFor(undefined, sha512, manifests),
  };
  return (request, response) => {
    if (!isContentsPath(pathOf(request))) return false;
    void answerOrLog({ request, response }, log, () => answerContents({ request, response }, () => contents));
    return true;
  };
}

/** The path of a request, without its query. */
export function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?")[0] ?? "";
}

/** Carries out an answer; a client that goes away is no error. */
export async function answerOrLog(
  { request, response }: Exchange,
  log: Log,
  answer: () => Promise<void>,
): Promise<void> {
  try {
    await answer();
  } catch (error) {
    // Clients disconnect every day; not an error.
    log("info", "sending objects failed", { client: request.socket.remoteAddress, error: String(error) });
    response.destroy();
  }
}

/** Answers a request for contents: `contentsNow` is called after its body, and has answered itself if it returns undefined. */
export async function answerContents(
  exchange: Exchange,
  contentsNow: () => ServedContents | Promise<ServedContents | undefined>,
): Promise<void> {
  const { request, response } = exchange;
  const path = pathOf(request);
  const isBatch = path === objectPaths.batch;
  const names = isBatch ? await readNames(request, response) : [];
  const contents = names === undefined ? undefined : await contentsNow();
  if (names === undefined || contents === undefined) return;
  if (isBatch) return answerBatch(response, contents, names);
  const [kind = "", start = ""] =
    Object.entries({
      manifest: manifestPath,
      pack: packPath,
      object: objectPaths.one,
    }).find(([, start]) => path.startsWith(start)) ?? [];
  if (!isReading(request)) return refuse(response, 405, `method not allowed; use GET to read a ${kind}`);
  const name = path.slice(start.length);
  if (kind === "manifest") await answerManifest(exchange, contents, name);
  else if (kind === "pack") await answerPack(exchange, contents, name);
  else await answerOne(exchange, contents, name);
}

async function answerManifest(exchange: Exchange, contents: ServedContents, sha512: string): Promise<void> {
  const found = await contents.findManifest(sha512);
  if (found === undefined) return refuse(exchange.response, 404, `no manifest ${sha512.slice(0, 160)}`);
  await answerContent(exchange, {
    ...{ sha512, size: found.size, contentType: "application/json", cacheControl: contents.cacheControl },
    read: (part) => readPart(found.path, part),
  });
}

async function answerOne(exchange: Exchange, contents: ServedContents, sha512: string): Promise<void> {
  const { objects, cacheControl } = contents;
  const size = await objects.sizeOf(sha512);
  if (size === undefined) return refuse(exchange.response, 404, `no object ${sha512.slice(0, 160)}`);
  await answerContent(exchange, {
    ...{ sha512, size, contentType: octets, cacheControl },
    read: (part) => objects.read(sha512, part),
  });
}

async function answerPack(exchange: Exchange, contents: ServedContents, name: string): Promise<void> {
  const { packsOf, cacheControl, sentInFront } = contents;
  const { response } = exchange;
  const found = packsOf === undefined ? undefined : await findPackFile(packsOf, name);
  if (found === undefined) return refuse(response, 404, `no pack ${name.slice(0, 160)}`);
  if (sentInFront !== undefined) {
    response.writeHead(200, { "content-type": octets, "x-accel-redirect": sentInFront(name) }).end();
    return;
  }
  await answerContent(exchange, {
    ...{ sha512: name, size: found.size, contentType: octets, cacheControl },
    read: (part) => readPart(found.path, part),
  });
}

const octets = "application/octet-stream";

function isReading({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}

/** A content under its hash never changes: any cache may keep it for the longest time that they agree on, a year (RFC 8246). */
export const immutableCacheControl = "public, max-age=31536000, immutable";

/** Answers with a content or the part of it that is asked for, or says that the client has it already. */
async function answerContent(
  { request, response }: Exchange,
  content: {
    readonly sha512: string;
    readonly size: number;
    readonly contentType: string;
    readonly cacheControl: string;
    readonly read: (part: ContentPart) => AsyncIterable<Uint8Array>;
  },
): Promise<void> {
  // RFC 9110 §14.2: Range counts in GET only.
  const { range, ...others } = request.headers;
  const { status, headers, from, to } = planFileAnswer(
    { ...content, etag: `"${content.sha512}"` },
    request.method === "GET" ? { ...others, range } : others,
  );
  response.writeHead(status, { ...headers, "cache-control": content.cacheControl });
  if (request.method === "HEAD" || to === from) response.end();
  else await pipeline(Readable.from(content.read({ from, to })), response);
}

async function answerBatch(
  response: ServerResponse,
  { objects, cacheControl }: ServedContents,
  names: readonly string[],
): Promise<void> {
  const batch = await readBatch(objects, names);
  if (batch.kind === "missing") return refuse(response, 404, `no object ${batch.sha512}`);
  // No cache keeps the answer to a POST; of confidential contents, none may even note it.
  const closed = cacheControl === immutableCacheControl ? {} : { "cache-control": cacheControl };
  response.writeHead(200, { ...closed, "content-type": octets, "content-length": batch.bytes });
  await pipeline(Readable.from(batch.content), response);
}

/** The answer to a batch, and its length; or the first object that is missing. */
type Batch =
  | { readonly kind: "batch"; readonly bytes: number; readonly content: AsyncIterable<Uint8Array> }
  | { readonly kind: "missing"; readonly sha512: string };

/** What a batch is read from; without `locate`, each content is read by itself. */
export type BatchSource = Pick<ObjectStore, "sizeOf" | "read"> & Partial<Pick<ObjectStore, "locate">>;

type Part = { readonly sha512: string; readonly head: Buffer; readonly size: number; readonly location?: Location };

/** After this number of look-ups in memory, packets have their turn. */
const lookupsAtOnce = 100;

/** Finds all objects of a batch; their contents are read while they are sent, neighbours in a pack by one stream. */
export async function readBatch(objects: BatchSource, wanted: readonly string[]): Promise<Batch> {
  const parts: Part[] = [];
  for (const sha512 of wanted) {
    const location = await objects.locate?.(sha512);
    const size = location?.size ?? (await objects.sizeOf(sha512));
    if (size === undefined) return { kind: "missing", sha512 };
    const head = Buffer.from(`${sha512} ${size}\n`, "latin1");
    parts.push({ sha512, size, head, ...(location === undefined ? {} : { location }) });
    if (parts.length % lookupsAtOnce === 0) await nextTurn();
  }
  const bytes = parts.reduce((sum, part) => sum + part.head.length + part.size, 0);
  return { kind: "batch", bytes, content: contentOf(objects, parts) };
}

async function* contentOf(objects: BatchSource, parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (let first = 0; first < parts.length; ) {
    const run = neighbours(parts, first);
    first += run.length;
    const [begin] = run;
    if (begin?.location === undefined || run.length === 1) {
      for (const part of run) {
        yield part.head;
        yield* objects.read(part.sha512);
      }
    } else yield* readRun(begin.location, run);
  }
}

/** The parts from one on that follow each other in a file. */
function neighbours(parts: readonly Part[], first: number): readonly Part[] {
  let last = first;
  for (;;) {
    const here = parts[last]?.location;
    const next = parts[last + 1]?.location;
    if (here === undefined || next?.path !== here.path || next.offset !== here.offset + here.size) break;
    last += 1;
  }
  return parts.slice(first, last + 1);
}

/** Reads neighbours by one stream, and puts the head of each before it. */
async function* readRun({ path, offset }: Location, run: readonly Part[]): AsyncGenerator<Uint8Array> {
  const size = run.reduce((sum, part) => sum + part.size, 0);
  let next = 0;
  let leftBytes = 0;
  for await (const piece of readPart(path, { from: offset, to: offset + size })) {
    for (let at = 0; at < piece.length; ) {
      const part = run[next];
      if (leftBytes === 0 && part !== undefined) {
        yield part.head;
        leftBytes = part.size;
        next += 1;
      }
      const bytes = piece.subarray(at, at + leftBytes);
      at += bytes.length;
      leftBytes -= bytes.length;
      yield bytes;
    }
  }
}

/** The names that a batch asks for, from the body of its request; undefined if they are refused, which is answered here. */
async function readNames(request: IncomingMessage, response: ServerResponse): Promise<readonly string[] | undefined> {
  if (request.method !== "POST") {
    refuse(response, 405, "method not allowed; use POST to read many objects");
    return undefined;
  }
  const text = await readBody(request);
  const names = text === undefined ? undefined : namesOfBatch(text);
  if (names === undefined)
    refuse(response, 400, `body: expected SHA-512 hashes in hex, one per line, at most ${maxBatchRequestBytes} bytes`);
  return names;
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxBatchRequestBytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("latin1");
}

/** The names in the body of a batch's request; undefined if one is not the name of an object. */
export function namesOfBatch(text: string): readonly string[] | undefined {
  const names = text.split("\n").filter((line) => line !== "");
  return names.every(isObjectName) ? names : undefined;
}

export function refuse(response: ServerResponse, status: number, reason: string): void {
  // The request's body may be unread, so the connection cannot carry another request.
  response.writeHead(status, { "content-type": "text/plain", connection: "close" });
  response.end(`${reason}\n`);
}
