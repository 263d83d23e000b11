import type { Machine } from "../../core/machine/record.ts";
import type { AuditEntry, PastChange, UnreadableRecord } from "../../core/ports.ts";
import {
  auditPageLimit,
  type Batch,
  conflictError,
  type DocumentChange,
  type Holdings,
  historyLimit,
  type Journal,
  type RemoteChanges,
} from "../journal/journal.ts";
import { readMachines } from "../journal/read-machine.ts";
import { rowsOf } from "../journal/rows.ts";
import { sqliteBatch } from "./batch.ts";
import type { Committed } from "./journal.ts";
import type { JournalRequest } from "./request.ts";

/** Sends a request to a SQLite database, in this thread or another; requests are answered in order. */
export type Ask = <T>(request: JournalRequest) => Promise<T>;

/** Records transferred between threads at once. */
const pageLimit = 2000;
/** Changes and audit entries transferred at once: each becomes a dozen objects, while packets wait. */
const shownLimit = 100;
/**
 * Limit of decisions on a batch. The file belongs to us, so changes can only be a write of ours with an unknown result.
 */
const attemptLimit = 3;

/** The Journal of a SQLite database: requests go through `ask`, `close` closes it. */
export function journalOver(ask: Ask, close: () => Promise<void>): Journal {
  return {
    load: () => load(ask),
    commit: (batch) => commit(ask, batch),
    remoteChangesSince: (position) => remoteChangesSince(ask, position),
    changesSince: (position, limit) => ask({ kind: "changesSince", position, limit }),
    history: (id, limit) => history(ask, id, limit),
    audit: (query) => audit(ask, query),
    backup: (copy) => ask({ kind: "backup", path: copy }),
    [Symbol.asyncDispose]: close,
  };
}

/** Rows of `machines`. */
type Page = readonly { readonly id: string; readonly document: string }[];

async function load(ask: Ask): Promise<Holdings> {
  const machines: Machine[] = [];
  const unreadable: UnreadableRecord[] = [];
  const position = await ask<number>({ kind: "position" });
  const pageAfter = (id: string) => ask<Page>({ kind: "machinesAfter", id, limit: pageLimit });
  for (let next: Promise<Page> | undefined = pageAfter(""); next !== undefined; ) {
    const page: Page = await next;
    const last = page.at(-1);
    // The thread reads the next page while this one is parsed.
    next = last === undefined || page.length < pageLimit ? undefined : pageAfter(last.id);
    const read = readMachines(page);
    machines.push(...read.machines);
    unreadable.push(...read.unreadable);
  }
  return { position, machines, unreadable, documents: await ask<DocumentChange[]>({ kind: "documents" }) };
}

async function history(ask: Ask, id: string, limit: number): Promise<PastChange[]> {
  const pages: PastChange[][] = [];
  let [left, beforePosition] = [Math.min(limit, historyLimit), Number.MAX_SAFE_INTEGER];
  while (left > 0) {
    const page = await ask<PastChange[]>({ kind: "history", id, beforePosition, limit: Math.min(left, shownLimit) });
    const [oldest] = page;
    if (oldest === undefined) break;
    pages.unshift(page);
    left = page.length < shownLimit ? 0 : left - page.length;
    beforePosition = oldest.position;
  }
  return pages.flat();
}

async function audit(ask: Ask, query: Parameters<Journal["audit"]>[0]): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let left = Math.min(query.limit, auditPageLimit);
  let next = query;
  while (left > 0) {
    const page = await ask<AuditEntry[]>({ kind: "audit", query: { ...next, limit: Math.min(left, shownLimit) } });
    const oldest = page.at(-1);
    if (oldest === undefined) break;
    entries.push(...page);
    left = page.length < shownLimit ? 0 : left - page.length;
    next = { ...query, beforePosition: oldest.position };
  }
  return entries;
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
    if (answer.kind === "conflict") throw conflictError("the database rejected the batch", answer.cause);
    await batch.applyRemote(await remoteChangesSince(ask, since));
  }
  throw new Error(
    `the database changed ${attemptLimit} times during a write; find the other process that writes to it`,
  );
}
