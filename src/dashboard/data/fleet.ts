import { signal } from "@preact/signals";
import type { FleetRowsView, FleetView } from "../../contract/operator/fleet-views.ts";
import { followFeed } from "./feed.ts";
import { type Fault, send } from "./http.ts";
import { type Row, rowsOf } from "./row.ts";

/** Grows with every change of the fleet, at most once a frame: what reads it draws anew. */
export const fleetVersion = signal(0);
/** Whether the fleet was read, or why not. */
export const fleetFault = signal<Fault | "loading" | undefined>("loading");

const rows = new Map<string, Row>();
/** Machines that changed since the last frame. */
const changed = new Set<string>();
const listeners = new Set<(ids: ReadonlySet<string>) => void>();
let frame = 0;
const retryMs = 2000;

/** All machines by their ids. A component or computed signal that reads them is drawn or computed anew when they change. */
export function fleetRows(): ReadonlyMap<string, Row> {
  void fleetVersion.value;
  return rows;
}

/** The same for drawings that follow `onChanged`: reading them subscribes nothing. */
export function peekRows(): ReadonlyMap<string, Row> {
  return rows;
}

/** Calls back once a frame with the machines that changed; returns the function that ends it. */
export function onChanged(listener: (ids: ReadonlySet<string>) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Reads the fleet and follows its changes until `end` is aborted. The feed begins before the fleet is read, so that no change
 * is lost between the two; what it brings meanwhile waits.
 */
export async function followFleet(end: AbortSignal): Promise<void> {
  // What a session before has read is as old as its end.
  fleetFault.value = "loading";
  let waiting: FleetRowsView[] | undefined;
  let position = 0;
  let readings = 0;
  const readAll = async () => {
    // The newest reading counts; what the feed has brought since the first waits for it.
    readings += 1;
    const number = readings;
    waiting ??= [];
    const isOver = () => end.aborted || number !== readings;
    const answer = await send<FleetView>("/v1/fleet");
    if (isOver()) return;
    if (answer.kind === "fault") {
      fleetFault.value = answer.fault;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      if (!isOver()) void readAll();
      return;
    }
    const missed = waiting;
    waiting = undefined;
    position = answer.value.position;
    replaceAll(rowsOf(answer.value));
    for (const some of missed) take(some, position);
    // A screen that says that the fleet was read shows its machines.
    drawNow();
    fleetFault.value = undefined;
  };
  await followFeed({
    path: "/v1/fleet/changes",
    event: "rows",
    end,
    // Until the fleet was read, there is nothing to go on from.
    isFresh: () => fleetFault.value !== undefined && waiting === undefined,
    begun: readAll,
    take: (data) => {
      const some: FleetRowsView = JSON.parse(data);
      if (waiting === undefined) take(some, position);
      else waiting.push(some);
    },
  });
}

function take({ position, rows: some, gone, imports }: FleetRowsView, after: number): void {
  // Rows of the position that was read are as new as it, or newer: progress has no position of its own.
  if (position < after) return;
  for (const id of gone) {
    rows.delete(id);
    changed.add(id);
  }
  for (const row of some) {
    rows.set(row.id, row);
    changed.add(row.id);
  }
  // No row of the fleet: the screens that show imports read them after each change.
  if (imports !== undefined) changed.add("");
  redraw();
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

/** Draws once a frame, and not at all while nothing changes. */
function redraw(): void {
  if (frame !== 0 || changed.size === 0) return;
  frame = requestAnimationFrame(drawNow);
}

function drawNow(): void {
  cancelAnimationFrame(frame);
  frame = 0;
  const ids = new Set(changed);
  changed.clear();
  for (const listener of listeners) listener(ids);
  fleetVersion.value += 1;
}
