import { randomUUID } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { draftOwner } from "../../storage/draft-owner.ts";
import { draftsIn, type StoredObject } from "../../storage/object-draft.ts";
import type { WriterAnswer, WriterData, WriterRequest } from "./messages.ts";

/** Called with the object that a content has become. */
export type Stored = (object: StoredObject) => void;

/** A thread, and the calls that each of its requests owes. */
export type Lane = { readonly worker: Worker; readonly owed: (readonly Stored[])[]; readonly end: Promise<void> };

/** More threads than this wait for the one that parses the archive. */
const maxThreads = 8;
/** One request is stored while the next is on its way. */
const depth = 2;

/** The threads of a content writer. */
export type Lanes = {
  /** Waits until a thread, or this one, takes a request; throws the first failure of any. */
  readonly free: (wanted?: Lane) => Promise<Lane>;
  readonly send: (lane: Lane, request: WriterRequest, owed: readonly Stored[]) => void;
  /** A batch that came back, to be filled again. */
  readonly takeBatch: () => Uint8Array<ArrayBuffer> | undefined;
  /** Waits until every request is answered, and the packs are sealed; throws the first failure. */
  readonly drained: () => Promise<void>;
  /** Ends the threads, at once if the signal is aborted; packs are made of what they have, and drafts removed. */
  readonly close: () => Promise<void>;
};

/** Starts threads that store contents in the store of a directory; an aborted signal ends every wait with its reason. */
export function openLanes(directory: string, signal?: AbortSignal): Lanes {
  const draftPrefix = `${draftOwner()}${randomUUID()}.`;
  const batches: Uint8Array<ArrayBuffer>[] = [];
  const isEnding = new Int32Array(new SharedArrayBuffer(4));
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};
  const fail = (error: unknown) => {
    failure ??= { error };
    wake();
  };
  const receive = (lane: Lane, answer: WriterAnswer) => {
    const owed = lane.owed.shift() ?? [];
    if (answer.kind === "failed") return fail(answer.error);
    if (answer.bytes !== undefined) batches.push(answer.bytes);
    for (const [index, object] of answer.stored.entries()) owed[index]?.(object);
    wake();
  };
  const lanes: Lane[] = [];
  const start = (): Lane => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: { directory, draftPrefix, isEnding } satisfies WriterData,
    });
    const end = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    const lane: Lane = { worker, owed: [], end };
    worker.on("message", (answer: WriterAnswer) => receive(lane, answer));
    worker.on("error", (cause) => fail(new Error("a thread of the import failed", { cause })));
    lanes.push(lane);
    return lane;
  };
  // A thread starts when all others are busy: a small import needs one.
  const most = Math.min(availableParallelism(), maxThreads);
  const findFree = () =>
    lanes.find(({ owed }) => owed.length === 0) ??
    (lanes.length < most ? start() : lanes.find(({ owed }) => owed.length < depth));
  const until = async <T>(find: () => T | undefined): Promise<T> => {
    for (;;) {
      if (failure !== undefined) throw failure.error;
      signal?.throwIfAborted();
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const onAbort = () => wake();
  const send = (lane: Lane, request: WriterRequest, owed: readonly Stored[]) => {
    lane.owed.push(owed);
    lane.worker.postMessage(request, request.kind === "batch" ? [request.bytes.buffer] : []);
  };
  const answered = () => until(() => lanes.every(({ owed }) => owed.length === 0) || undefined);
  signal?.addEventListener("abort", onAbort);
  return {
    free: (wanted) => until(wanted === undefined ? findFree : () => (wanted.owed.length < depth ? wanted : undefined)),
    send,
    takeBatch: () => batches.pop(),
    drained: async () => {
      await answered();
      for (const lane of lanes) send(lane, { kind: "seal" }, []);
      await answered();
    },
    close: async () => {
      signal?.removeEventListener("abort", onAbort);
      if (signal?.aborted === true) Atomics.store(isEnding, 0, 1);
      for (const { worker } of lanes) worker.postMessage("end");
      await Promise.all(lanes.map(({ end }) => end));
      const drafts = draftsIn(directory);
      for (const name of readdirSync(drafts))
        if (name.startsWith(draftPrefix)) rmSync(join(drafts, name), { force: true });
    },
  };
}
