import { eventAsText } from "../../contract/machine-event.ts";
import { recordAsText, storedRecord } from "../../contract/machine-record.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { sizeLimits } from "../../core/machine/size-limits.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { auditFacts } from "./audit-facts.ts";
import type { DocumentEntry, Entry, MachineEntry } from "./journal.ts";

/**
 * The last record of a machine in a batch. `base` is the revision that the database must hold; without it the machine
 * is new there.
 */
export type MachineRow = {
  readonly id: MachineId;
  readonly base?: number;
  readonly revision: number;
  readonly document: string;
};
/** A name, permanent address or MAC address that only one machine may hold. */
export type ClaimRow = { readonly key: string; readonly id: MachineId };
/** `offset` counts from 1: the position is the feed's position before the batch plus the offset. */
export type ChangeRow = {
  readonly offset: number;
  readonly id: MachineId;
  readonly atMs: number;
  readonly by: string | null;
  readonly event: string;
  readonly outcome: string;
  readonly absorbed: string | null;
};
export type DocumentRow = {
  readonly offset: number;
  readonly kind: string;
  readonly key: string;
  readonly document: string | null;
};
export type AuditRow = {
  readonly offset: number;
  readonly atMs: number;
  readonly by: string;
  readonly action: string;
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly request: string | null;
};

/** A batch in the form that a database takes. */
export type BatchRows = {
  /** The number of positions it takes. */
  readonly count: number;
  readonly saved: readonly MachineRow[];
  readonly dropped: readonly { readonly id: MachineId; readonly base: number }[];
  readonly released: readonly ClaimRow[];
  readonly taken: readonly ClaimRow[];
  readonly changes: readonly ChangeRow[];
  readonly documents: readonly DocumentRow[];
  readonly audit: readonly AuditRow[];
  /** Machines whose old changes may be deleted now. */
  readonly pruned: readonly MachineId[];
};

/** Number of small changes of a machine between two checks of its old ones; each large one is followed by a check. */
const prunedEvery = 100;

/** The rows of a batch. Of several changes to one machine only the last record is written, but all events. */
export function rowsOf(entries: readonly Entry[]): BatchRows {
  const changes: ChangeRow[] = [];
  const documents: DocumentRow[] = [];
  const audit: AuditRow[] = [];
  const pruned = new Set<MachineId>();
  for (const [index, entry] of entries.entries()) {
    const offset = index + 1;
    if (entry.kind === "document") documents.push(documentRow(entry, offset));
    else if (entry.kind === "machine") {
      const row = changeRow(entry, offset);
      changes.push(row);
      const isLarge = row.event.length + row.outcome.length > sizeLimits.large;
      if (isLarge || entry.machine.revision % prunedEvery === 0) pruned.add(entry.machine.id);
    }
    if (entry.by !== undefined) audit.push(auditRow(entry, entry.by, offset));
  }
  const saved: MachineRow[] = [];
  const dropped: { id: MachineId; base: number }[] = [];
  const released: ClaimRow[] = [];
  const taken: ClaimRow[] = [];
  for (const [id, { before, after }] of touchedBy(entries)) {
    if (!claimTheSame(before, after)) {
      const held = new Set(before === undefined ? [] : claimsOf(before));
      const holds = new Set(after === undefined ? [] : claimsOf(after));
      for (const key of held) if (!holds.has(key)) released.push({ key, id });
      for (const key of holds) if (!held.has(key)) taken.push({ key, id });
    }
    if (after !== undefined) {
      const base = before === undefined ? {} : { base: before.revision };
      saved.push({ id, ...base, revision: after.revision, document: JSON.stringify(storedRecord(after)) });
    } else if (before !== undefined) dropped.push({ id, base: before.revision });
  }
  return {
    count: entries.length,
    ...{ saved, dropped, released, taken },
    ...{ changes, documents, audit, pruned: [...pruned] },
  };
}

/** The record of each machine in the database before the batch, and after it; undefined if it does not exist there. */
function touchedBy(entries: readonly Entry[]) {
  type Touched = { readonly before: Machine | undefined; readonly after: Machine | undefined };
  const touched = new Map<MachineId, Touched>();
  const touch = (id: MachineId, before: Machine | undefined, after: Machine | undefined) => {
    const first = touched.get(id);
    touched.set(id, { before: first === undefined ? before : first.before, after });
  };
  for (const entry of entries) {
    if (entry.kind !== "machine") continue;
    const { machine, before, absorbed } = entry;
    for (const removed of absorbed) touch(removed.id, removed, undefined);
    touch(machine.id, before, machine);
  }
  return touched;
}

/** Whether two records of a machine have the same claims: records share unchanged facts. */
function claimTheSame(before: Machine | undefined, after: Machine | undefined): boolean {
  return (
    before?.macs === after?.macs &&
    before?.hostname === after?.hostname &&
    before?.permanentAddress === after?.permanentAddress
  );
}

/**
 * What only one machine may hold. Temporary addresses are not included: another DHCP server manages its own, and ours
 * are unique because decisions are made one after the other.
 */
export function claimsOf(machine: Machine): string[] {
  const claims = machine.macs.map((mac) => `mac ${mac}`);
  if (machine.hostname !== undefined) claims.push(`name ${machine.hostname.toLowerCase()}`);
  if (machine.permanentAddress !== undefined) claims.push(`address ${formatIpv4(machine.permanentAddress)}`);
  return claims;
}

function changeRow({ machine, event, atMs, by, absorbed }: MachineEntry, offset: number): ChangeRow {
  const { id, revision, state, generation, conditions, hostname, phase } = machine;
  return {
    ...{ offset, id, atMs },
    by: by ?? null,
    event: JSON.stringify(eventAsText(event)),
    outcome: JSON.stringify({ id, revision, state, generation, conditions, hostname, phase }),
    absorbed: absorbed.length === 0 ? null : JSON.stringify(absorbed.map((removed) => removed.id)),
  };
}

function documentRow({ documentKind, key, document }: DocumentEntry, offset: number): DocumentRow {
  return { offset, kind: documentKind, key, document: document === undefined ? null : JSON.stringify(document) };
}

function auditRow(entry: Entry, by: string, offset: number): AuditRow {
  const { atMs, request } = entry;
  const { action, subject, before, after } = audited(entry);
  return {
    ...{ offset, atMs, by, action, subject },
    before: before ?? null,
    after: after ?? null,
    request: request === undefined ? null : JSON.stringify(request),
  };
}

/** What was done to what, and the facts before and after. */
function audited(entry: Entry): {
  readonly action: string;
  readonly subject: string;
  readonly before?: string;
  readonly after?: string;
} {
  switch (entry.kind) {
    case "machine": {
      const { before, machine, event } = entry;
      return {
        ...{ action: event.kind, subject: machine.id },
        ...auditFacts(before && recordAsText(before), recordAsText(machine)),
      };
    }
    case "document": {
      const { before, document, documentKind, key } = entry;
      const action = `${document === undefined ? "drop" : "put"} ${documentKind}`;
      return { action, subject: key, ...auditFacts(before, document) };
    }
    case "act":
      return { action: entry.action, subject: entry.subject, ...auditFacts(undefined, entry.facts) };
  }
}

/**
 * The columns of a record in both dialects; one that is too large is replaced by a text, and so is unreadable by itself
 * instead of keeping the server from starting. Its bytes are known without reading it, unlike its characters.
 */
export const boundedRecord = `id, CASE WHEN octet_length(document) <= ${sizeLimits.stored} THEN document
  WHEN length(document) > ${sizeLimits.stored} THEN '"a record that is too large"' ELSE document END AS document`;
