import { Worker } from "node:worker_threads";
import type { Machine } from "../../core/machine/record.ts";
import type { AuditEntry, PastChange, Store } from "../../core/ports.ts";
import {
  type Batch,
  conflictError,
  type DocumentChange,
  type Holdings,
  type Journal,
  type RemoteChanges,
} from "../journal/journal.ts";
import { rowsOf } from "../journal/rows.ts";
import { type SqliteBatch, sqliteBatch } from "./batch.ts";
import type { Committed } from "./journal.ts";

/** What the thread is asked; each is answered once, in order. */
export type JournalRequest =
  | { readonly kind: "position" }
  | { readonly kind: "machinesAfter"; readonly id: string; readonly limit: number }
  | { readonly kind: "documents" }
  | { readonly kind: "commit"; readonly since: number; readonly batch: SqliteBatch }
  | { readonly kind: "remoteChangesSince"; readonly position: number }
  | { readonly kind: "changesSince"; readonly position: number; readonly limit: number }
  | { readonly kind: "history"; readonly id: string; readonly limit: number }
  | { readonly kind: "audit"; readonly query: Parameters<Store["audit"]>[0] }
  | { readonly kind: "backup"; readonly path: string }
  | { readonly kind: "close" };

/** Its answer. The first one, unasked, says whether the database could be opened. */
export type JournalAnswer =
  | { readonly kind: "done"; readonly value?: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (cause: unknown) => void };
type Ask = <T>(request: JournalRequest) => Promise<T>;

/** Records that go from thread to thread at once. */
const pageLimit = 2000;
/** How often a batch is decided anew. The file is ours alone: changes can only be a write of ours whose fate was unknown. */
const attemptLimit = 3;

/**
 * Opens the SQLite ledger of a path in a thread of its own: waiting for the disk (a few milliseconds a transaction)
 * would otherwise stop the packets. Throws as `openSqliteLedger` does.
 */
export async function openJournalThread(path: string): Promise<Journal> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: path });
  const waiting: Waiting[] = [];
  let gone: unknown;

  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      // A thread that nobody waits for must not keep the process alive.
      if (waiting.length === 0) worker.ref();
      waiting.push({ resolve, reject });
    });
  const ask: Ask = async <T>(request: JournalRequest) => {
    if (gone !== undefined) throw gone;
    const answer = next();
    worker.postMessage(request);
    return (await answer) as T;
  };
  worker.on("message", (answer: JournalAnswer) => {
    const first = waiting.shift();
    if (waiting.length === 0) worker.unref();
    if (answer.kind === "done") first?.resolve(answer.value);
    else first?.reject(answer.error);
  });
  const end = (cause: unknown): void => {
    gone ??= cause;
    for (const { reject } of waiting.splice(0)) reject(gone);
  };
  worker.on("error", (cause) => end(new Error(`the thread of the machine database ${path} failed`, { cause })));
  worker.on("exit", () => end(new Error(`the machine database ${path} is closed`)));
  await next();

  return {
    load: () => load(ask),
    commit: (batch) => commit(ask, batch),
    remoteChangesSince: (position) => remoteChangesSince(ask, position),
    changesSince: (position, limit) => ask({ kind: "changesSince", position, limit }),
    history: (id, limit) => ask<PastChange[]>({ kind: "history", id, limit }),
    audit: (query) => ask<AuditEntry[]>({ kind: "audit", query }),
    backup: (copy) => ask({ kind: "backup", path: copy }),
    [Symbol.asyncDispose]: async () => {
      if (gone !== undefined) return;
      await ask({ kind: "close" });
      await worker.terminate();
    },
  };
}

async function load(ask: Ask): Promise<Holdings> {
  const machines: Machine[] = [];
  const position = await ask<number>({ kind: "position" });
  const pageAfter = (id: string) => ask<string[]>({ kind: "machinesAfter", id, limit: pageLimit });
  for (let next: Promise<string[]> | undefined = pageAfter(""); next !== undefined; ) {
    const page: readonly string[] = await next;
    const last = page.at(-1);
    // The thread reads the next page while this one is parsed.
    next = last === undefined || page.length < pageLimit ? undefined : pageAfter((JSON.parse(last) as Machine).id);
    for (const text of page) machines.push(JSON.parse(text) as Machine);
  }
  return { position, machines, documents: await ask<DocumentChange[]>({ kind: "documents" }) };
}

async function remoteChangesSince(ask: Ask, position: number): Promise<RemoteChanges> {
  const changes = await ask<RemoteChanges | undefined>({ kind: "remoteChangesSince", position });
  return changes ?? { kind: "everything", changes: [], ...(await load(ask)) };
}

async function commit(ask: Ask, batch: Batch): Promise<number> {
  for (let attempt = 0; attempt < attemptLimit; attempt++) {
    const since = batch.since();
    const rows = sqliteBatch(rowsOf(batch.entries()), since);
    const answer = await ask<Committed>({ kind: "commit", since, batch: rows });
    if (answer.kind === "written") return since;
    if (answer.kind === "conflict") throw conflictError("the database does not take what was decided", answer.cause);
    batch.applyRemote(await remoteChangesSince(ask, since));
  }
  throw new Error(`the database changed under its only server, ${attemptLimit} times; who else writes to it?`);
}
