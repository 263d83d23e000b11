/** A thread that stores the contents of an import; content-writer.ts talks to it. */
import { randomUUID } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import type { ObjectDraft, StoredObject } from "../../storage/object-draft.ts";
import { openPackWriter } from "../../storage/packs/pack-writer.ts";
import { batchBytes, type WriterAnswer, type WriterData, type WriterRequest } from "./messages.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts is a thread of content-writer.ts, not a program");
const { directory, draftPrefix, isEnding }: WriterData = workerData;
const newName = () => `${draftPrefix}${randomUUID()}`;
const writer = openPackWriter(directory, newName);
/** Files may come while a content of batches is not at its end. */
const fileWriter = openPackWriter(directory, newName);

/** The content that the previous batch began and did not end. */
let begun: ObjectDraft | undefined;
const buffer = new Uint8Array(batchBytes);

function storeBatch(bytes: Uint8Array, parts: Extract<WriterRequest, { kind: "batch" }>["parts"]): StoredObject[] {
  const stored: StoredObject[] = [];
  let at = 0;
  for (const { length, isEnd } of parts) {
    const piece = bytes.subarray(at, at + length);
    at += length;
    if (begun === undefined && isEnd) stored.push(writer.store(piece));
    else {
      begun ??= writer.begin();
      begun.write(piece);
      if (!isEnd) continue;
      stored.push(begun.finish());
      begun.discard();
      begun = undefined;
    }
  }
  return stored;
}

/** Reads a file that is no symbolic link; what it has now counts, not what it had when the directory was listed. */
function storeFile(path: string): StoredObject {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  let draft: ObjectDraft | undefined;
  try {
    const size = fstatSync(file).size;
    if (size < buffer.length) {
      const count = fill(file);
      if (count < buffer.length) return fileWriter.store(buffer.subarray(0, count));
      draft = fileWriter.begin();
      draft.write(buffer);
    }
    draft ??= fileWriter.begin();
    for (let count = fill(file); count > 0; count = fill(file)) {
      if (Atomics.load(isEnding, 0) === 1) throw new Error("the import ends");
      draft.write(buffer.subarray(0, count));
    }
    return draft.finish();
  } finally {
    closeSync(file);
    draft?.discard();
  }
}

function seal(): void {
  writer.seal();
  fileWriter.seal();
}

/** Reads until the buffer is full or the file ends. */
function fill(file: number): number {
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(file, buffer, { offset: length });
    if (count === 0) break;
    length += count;
  }
  return length;
}

function answer(request: WriterRequest): WriterAnswer {
  try {
    if (request.kind === "seal") {
      seal();
      return { kind: "stored", stored: [] };
    }
    return request.kind === "files"
      ? { kind: "stored", stored: request.paths.map(storeFile) }
      : { kind: "stored", stored: storeBatch(request.bytes, request.parts), bytes: request.bytes };
  } catch (error) {
    begun?.discard();
    begun = undefined;
    return { kind: "failed", error };
  }
}

port.on("message", (request: WriterRequest | "end") => {
  if (request === "end") {
    begun?.discard();
    port.close();
    // Also of an interrupted import: the next one finds what is stored.
    seal();
    return;
  }
  if (Atomics.load(isEnding, 0) === 1) return;
  const answered = answer(request);
  port.postMessage(answered, answered.kind === "stored" && answered.bytes !== undefined ? [answered.bytes.buffer] : []);
});
