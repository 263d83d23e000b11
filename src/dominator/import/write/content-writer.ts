import { type Lane, openLanes, type Stored } from "./lanes.ts";
import { type BatchPart, batchBytes } from "./messages.ts";
import { watchRoom } from "./room.ts";

/**
 * Stores contents in threads, which hash and write them; at most two batches of 4 MiB are on their way to each. Calls must
 * not overlap.
 */
export type ContentWriter = AsyncDisposable & {
  /** Takes a content; resolves when its last byte is taken. `stored` is called later, before `finish` resolves. */
  readonly put: (content: AsyncIterable<Uint8Array>, stored: Stored) => Promise<void>;
  /** The same for a regular file, which a thread reads; `size` only balances the threads. */
  readonly putFile: (file: { readonly path: string; readonly size: number }, stored: Stored) => Promise<void>;
  /** Resolves when everything is stored; throws the first failure. */
  readonly finish: () => Promise<void>;
};

type Batch = { readonly bytes: Uint8Array<ArrayBuffer>; length: number; parts: BatchPart[]; owed: Stored[] };
type Files = { bytes: number; paths: string[]; owed: Stored[] };

/** Files that one request names: their paths are small, and a thread that fails names only one of them. */
const filesAtOnce = 64;

/** Opens a writer into the store of a directory; an aborted signal ends it with its reason. */
export function openContentWriter(directory: string, signal?: AbortSignal): ContentWriter {
  const lanes = openLanes(directory, signal);
  const expect = watchRoom(directory);
  const newBatch = (): Batch => ({
    ...{ bytes: lanes.takeBatch() ?? new Uint8Array(batchBytes), length: 0 },
    ...{ parts: [], owed: [] },
  });
  let batch: Batch | undefined;
  let files: Files = { bytes: 0, paths: [], owed: [] };
  /** The thread that has the beginning of the content whose next part is in the batch. */
  let continued: Lane | undefined;

  async function sendBatch(): Promise<void> {
    if (batch === undefined || batch.parts.length === 0) return;
    const { bytes, length, parts, owed } = batch;
    batch = undefined;
    expect(length);
    const lane = await lanes.free(continued);
    lanes.send(lane, { kind: "batch", bytes, parts }, owed);
    continued = parts.at(-1)?.isEnd === false ? lane : undefined;
  }
  async function sendFiles(): Promise<void> {
    const { paths, owed, bytes } = files;
    expect(bytes);
    files = { bytes: 0, paths: [], owed: [] };
    if (paths.length > 0) lanes.send(await lanes.free(), { kind: "files", paths }, owed);
  }
  /** Copies bytes into the batch; `taken` of them belong to no finished part yet. */
  async function fill(piece: Uint8Array, taken: number): Promise<number> {
    let open = taken;
    for (let at = 0; at < piece.length; ) {
      batch ??= newBatch();
      const part = piece.subarray(at, at + batchBytes - batch.length);
      batch.bytes.set(part, batch.length);
      batch.length += part.length;
      at += part.length;
      open += part.length;
      if (batch.length < batchBytes) continue;
      batch.parts.push({ length: open, isEnd: false });
      open = 0;
      await sendBatch();
    }
    return open;
  }
  return {
    put: async (content, stored) => {
      let open = 0;
      for await (const piece of content) open = await fill(piece, open);
      batch ??= newBatch();
      batch.parts.push({ length: open, isEnd: true });
      batch.owed.push(stored);
      if (batch.parts.length >= filesAtOnce * 16) await sendBatch();
    },
    putFile: async ({ path, size }, stored) => {
      files.paths.push(path);
      files.owed.push(stored);
      files.bytes += size;
      if (files.paths.length >= filesAtOnce || files.bytes >= batchBytes) await sendFiles();
    },
    finish: async () => {
      await sendBatch();
      await sendFiles();
      await lanes.drained();
    },
    [Symbol.asyncDispose]: lanes.close,
  };
}
