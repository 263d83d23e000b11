import { signal } from "@preact/signals";
import type { ChangeView } from "../../contract/operator/views.ts";
import { followFeed } from "./feed.ts";
import { type Answer, type Fault, send, withQuery } from "./http.ts";
import { type Row, rowAfter, rowFields } from "./row.ts";

/** Grows with every change of the fleet, at most once a frame: what reads it draws anew. */
export const fleetVersion = signal(0);
/** Whether the fleet was read, or why not. */
export const fleetFault = signal<Fault | "loading" | undefined>("loading");

const rows = new Map<string, Row>();
/** Machines that changed since the last frame. */
const changed = new Set<string>();
const listeners = new Set<(ids: ReadonlySet<string>) => void>();
/** Machines of which more than a change tells has to be read. */
const parts = new Set<string>();
let isReading = false;
let frame = 0;

const pageSize = "5000";
/** Machines that are read again at once, and how often at most. */
const readAtOnce = 200;
const readEveryMs = 300;
const retryMs = 2000;

/** All machines by their ids; live, and newer with each `fleetVersion`. */
export function fleetRows(): ReadonlyMap<string, Row> {
  return rows;
}

/** Calls back once a frame with the machines that changed; returns the function that ends it. */
export function onChanged(listener: (ids: ReadonlySet<string>) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reads the fleet and follows its changes until `end` is aborted. */
export async function followFleet(end: AbortSignal): Promise<void> {
  while (!end.aborted) {
    const read = await readFleet();
    if (end.aborted) return;
    if (read.kind === "fault") {
      fleetFault.value = read.fault;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      continue;
    }
    replaceAll(read.value.rows);
    fleetFault.value = undefined;
    const again = new AbortController();
    const listener = { changes: takeChanges, lost: () => again.abort() };
    await followFeed(read.value.position, listener, AbortSignal.any([end, again.signal]));
  }
}

type Page = { readonly machines: readonly Row[]; readonly position: number; readonly continue?: string };

/** All machines, as of a position that is not newer than any of them. */
async function readFleet(): Promise<Answer<{ readonly rows: readonly Row[]; readonly position: number }>> {
  const found: Row[] = [];
  let position: number | undefined;
  let next: string | undefined;
  do {
    const query = { fields: rowFields.join(","), limit: pageSize, continue: next };
    const page = await send<Page>(withQuery("/v1/machines", query));
    if (page.kind === "fault") return page;
    for (const row of page.value.machines) found.push(row);
    position ??= page.value.position;
    next = page.value.continue;
  } while (next !== undefined);
  return { kind: "answer", value: { rows: found, position } };
}

function replaceAll(found: readonly Row[]): void {
  for (const id of rows.keys()) changed.add(id);
  rows.clear();
  for (const row of found) {
    rows.set(row.id, row);
    changed.add(row.id);
  }
  redraw();
}

function takeChanges(changes: readonly ChangeView[]): void {
  for (const change of changes) {
    const { id } = change.machine;
    for (const gone of change.absorbed ?? []) {
      rows.delete(gone);
      changed.add(gone);
    }
    const row = rows.get(id);
    if (row === undefined) {
      parts.add(id);
      continue;
    }
    const after = rowAfter(row, change);
    if (after.row === row) continue;
    rows.set(id, after.row);
    changed.add(id);
    if (after.isPart) parts.add(id);
  }
  if (parts.size > 0 && !isReading) setTimeout(readParts, readEveryMs);
  isReading ||= parts.size > 0;
  redraw();
}

async function readParts(): Promise<void> {
  const ids = [...parts].slice(0, readAtOnce);
  for (const id of ids) parts.delete(id);
  const query = { fields: rowFields.join(","), limit: pageSize, where: `id in (${ids.join(",")})` };
  const page = await send<Page>(withQuery("/v1/machines", query));
  if (page.kind === "answer") {
    for (const row of page.value.machines) {
      const known = rows.get(row.id);
      if (known !== undefined && known.revision > row.revision) parts.add(row.id);
      else rows.set(row.id, row);
      changed.add(row.id);
    }
    redraw();
  } else {
    for (const id of ids) parts.add(id);
  }
  const waitMs = page.kind === "answer" ? readEveryMs : retryMs;
  isReading = parts.size > 0;
  if (isReading) setTimeout(readParts, waitMs);
}

/** Draws once a frame, and not at all while nothing changes. */
function redraw(): void {
  if (frame !== 0 || changed.size === 0) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    const ids = new Set(changed);
    changed.clear();
    for (const listener of listeners) listener(ids);
    fleetVersion.value += 1;
  });
}
