import { link, mkdir, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { copyPaths } from "../../contract/copies.ts";
import { serverName } from "../../contract/machine/paths.ts";
import { errorCode } from "../../core/error-code.ts";
import { contentBatches } from "../../core/image/content-batches.ts";
import type { HeldImage } from "../../core/image/copies/held-image.ts";
import { parseImageName } from "../../core/image/image-name.ts";
import type { ImageManifest } from "../../core/image/manifest.ts";
import type { Content } from "../../core/image/update/difference.ts";
import { watchRoom } from "../import/write/room.ts";
import { checkManifest, readManifest } from "../storage/manifest-file.ts";
import { type ObjectStore, openObjectStore } from "../storage/object-store.ts";
import { openPackWriter, type PackWriter } from "../storage/packs/pack-writer.ts";
import { sha512Of } from "../storage/sha512.ts";
import { pieceReader } from "./piece-reader.ts";

/** A copy of an image from another server: plain data, as the thread gets it. */
export type CopyJob = {
  readonly kind: "copy";
  readonly image: Omit<HeldImage, "servers">;
  /** The server to fetch from: `ADDRESS:PORT`. */
  readonly server: string;
  readonly caPem: string;
  readonly secret: string;
  /** The directory of the object store for the image's contents. */
  readonly objects: string;
  /** A request may take this long, and then a millisecond more for each `leastBytesPerMs` of its answer. */
  readonly answerLimitMs: number;
  /** Where the manifest is written; it becomes the image when it is whole. */
  readonly draft: string;
  /** Another image that has the name here, and the name under which it is kept if it is not the same system. */
  readonly instead?: OtherImage;
};

/** An image, and the name and file that it gets. */
export type OtherImage = {
  readonly name: string;
  readonly path: string;
  readonly newName: string;
  readonly newPath: string;
};

/** The end of a copy. */
export type CopyResult = {
  readonly fetchedBytes: number;
  /** The new name of the image that had the name here. */
  readonly kept?: string;
};

/** How far a copy is. */
export type CopyProgress = { readonly doneBytes: number; readonly totalBytes: number };

/** A server that is slower than 1 MB/s is left, so that it does not hold up the other images for ever. */
const leastBytesPerMs = 1000;
/** The largest manifest: a million paths. */
const maxManifestBytes = 1 << 30;

/**
 * Fetches what is missing of an image, verifies each content by its hash and writes the manifest as a draft. What an
 * interrupted copy has fetched is not fetched again. Throws if the server cannot be reached, or sends something else, and if the disk
 * has little room left.
 */
export async function copyImage(
  job: CopyJob,
  onProgress: (progress: CopyProgress) => void,
  freeBytes?: () => number,
): Promise<CopyResult> {
  const { image, draft } = job;
  using connection = connectTo(job);
  const text = await fetchManifest(connection, image.manifest);
  const manifest = checkManifest(JSON.parse(text), `image ${image.name}`);
  if (manifest.name !== image.name) throw new Error(`expected the manifest of ${image.name}, found ${manifest.name}`);
  const store = await openObjectStore(job.objects);
  const missing = await missingIn(store, manifest);
  const totalBytes = missing.reduce((sum, { size }) => sum + size, 0);
  let doneBytes = 0;
  const writer = openPackWriter(store.directory);
  const expectRoom = watchRoom(store.directory, freeBytes);
  try {
    for (const wanted of contentBatches(missing)) {
      await fetchObjects(connection, { image, wanted, writer, expectRoom });
      doneBytes += wanted.reduce((sum, { size }) => sum + size, 0);
      onProgress({ doneBytes, totalBytes });
    }
  } finally {
    // Also of an interrupted copy: the next one does not fetch it again.
    writer.seal();
  }
  const kept = job.instead === undefined ? undefined : await keepOther(job.instead, manifest);
  await mkdir(dirname(draft), { recursive: true });
  await writeFile(draft, text);
  return { fetchedBytes: totalBytes, ...(kept === undefined ? {} : { kept }) };
}

type Connection = Disposable & {
  readonly send: (request: {
    readonly path: string;
    /** Bytes of the answer. */
    readonly expected: number;
    /** Sent with POST; without it the request is a GET. */
    readonly body?: string;
  }) => Promise<IncomingMessage>;
};

/** One connection that is kept. Throws for any answer but 200, and when the answer takes too long. */
function connectTo({ server, caPem, secret, answerLimitMs }: CopyJob): Connection {
  const [host = "", port = ""] = server.split(":");
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: caPem, servername: serverName });
  const send: Connection["send"] = ({ path, expected, body }) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: `Bearer ${secret}` };
      const method = body === undefined ? "GET" : "POST";
      const signal = AbortSignal.timeout(answerLimitMs + Math.ceil(expected / leastBytesPerMs));
      const asked = request({ ...{ agent, host, port, path, headers, method, signal } }, (answer) => {
        if (answer.statusCode === 200) return resolve(answer);
        answer.destroy();
        reject(new Error(`${path.slice(0, 40)}: expected status 200, found ${answer.statusCode}`));
      });
      asked.on("error", reject).end(body);
    });
  return { send, [Symbol.dispose]: () => agent.destroy() };
}

async function fetchManifest({ send }: Connection, { sha512, size }: Content): Promise<string> {
  if (size > maxManifestBytes)
    throw new Error(`expected a manifest of at most ${maxManifestBytes} bytes, found ${size}`);
  const answer = await send({ path: `${copyPaths.manifest}${sha512}`, expected: size });
  const pieces: Uint8Array[] = [];
  for await (const piece of pieceReader(answer).bytes(size)) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  answer.destroy();
  if (sha512Of(bytes) !== sha512) throw new Error("the manifest is damaged: it does not have its hash");
  return bytes.toString("utf8");
}

/** The contents of an image that a store does not have, each once. */
async function missingIn(store: ObjectStore, { tree }: ImageManifest): Promise<readonly Content[]> {
  const contents = new Map<string, Content>();
  for (const inode of tree.inodes)
    if (inode.kind === "regular" && inode.size > 0)
      contents.set(inode.sha512, { sha512: inode.sha512, size: inode.size });
  const missing: Content[] = [];
  for (const content of contents.values()) {
    if ((await store.sizeOf(content.sha512)) !== content.size) missing.push(content);
  }
  return missing;
}

async function fetchObjects(
  { send }: Connection,
  {
    image,
    wanted,
    writer,
    expectRoom,
  }: {
    readonly image: CopyJob["image"];
    readonly wanted: readonly Content[];
    readonly writer: PackWriter;
    readonly expectRoom: (bytes: number) => void;
  },
): Promise<void> {
  const stream = parseImageName(image.name)?.stream ?? "";
  const answer = await send({
    path: `${copyPaths.objects}${stream}`,
    expected: wanted.reduce((sum, { size }) => sum + size, 0),
    body: `${wanted.map(({ sha512 }) => sha512).join("\n")}\n`,
  });
  try {
    const reader = pieceReader(answer);
    for (const { sha512, size } of wanted) {
      const line = await reader.line(200);
      if (line !== `${sha512} ${size}`)
        throw new Error(`expected ${size} bytes of object ${sha512.slice(0, 16)}…, found ${JSON.stringify(line)}`);
      expectRoom(size);
      await storeAs(sha512, { content: reader.bytes(size), writer });
    }
    // To its end, so that the connection can carry the next request.
    answer.resume();
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

async function storeAs(
  sha512: string,
  { content, writer }: { readonly content: AsyncIterable<Uint8Array>; readonly writer: PackWriter },
): Promise<void> {
  const draft = writer.begin();
  try {
    for await (const piece of content) draft.write(piece);
    if (draft.finish().sha512 !== sha512)
      throw new Error(`object ${sha512.slice(0, 16)}… is damaged: it does not have its hash`);
  } finally {
    draft.discard();
  }
}

/** Gives an image that has the name here another one, unless it is the same system; undefined if nothing had to be kept. */
async function keepOther(other: OtherImage, manifest: ImageManifest): Promise<string | undefined> {
  const found = readIfWhole(other);
  const facts = ({ filter, confidential, tree }: ImageManifest) => ({ filter, confidential, tree });
  if (found === undefined || isDeepStrictEqual(facts(found), facts(manifest))) return undefined;
  await writeUnderNewName(found, other);
  return other.newName;
}

/** Writes the manifest of an image under its new name; the former one stays. Throws if an import has taken the new name. */
export async function copyUnderNewName(other: OtherImage): Promise<void> {
  await writeUnderNewName(readManifest(other.path, other.name).manifest, other);
}

async function writeUnderNewName(manifest: ImageManifest, { newName, newPath }: OtherImage): Promise<void> {
  const draft = `${newPath}.copy`;
  await writeFile(draft, JSON.stringify({ ...manifest, name: newName }));
  try {
    // link(2) refuses a name that is taken.
    await link(draft, newPath);
  } catch (cause) {
    if (errorCode(cause) === "EEXIST") throw new Error(`${newName} was imported meanwhile`, { cause });
    throw cause;
  } finally {
    await rm(draft, { force: true });
  }
}

/** The manifest in a file; undefined if it is unreadable, and then nothing of it can be kept. */
function readIfWhole({ path, name }: OtherImage): ImageManifest | undefined {
  try {
    return readManifest(path, name).manifest;
  } catch {
    return undefined;
  }
}
