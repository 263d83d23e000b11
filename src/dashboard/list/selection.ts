import { batch, effect, signal } from "@preact/signals";
import { fleetRows } from "../data/fleet.ts";
import { type Answer, type Fault, send, withQuery } from "../data/http.ts";

type Selectors = { readonly where: string; readonly labels: string };

/** The ids that the selectors find; undefined for all machines. The server decides: it has all fields, and its own syntax. */
export const selectedIds = signal<ReadonlySet<string> | undefined>(undefined);
const fault = signal<Fault | undefined>(undefined);
const all: Selectors = { where: "", labels: "" };
/** The selectors that were asked for last. */
let wanted = all;
/** Those that `selectedIds` belong to. */
const answered = signal(all);

/** How often at most the server is asked again while the fleet changes. */
const askEveryMs = 2000;
let timer: ReturnType<typeof setTimeout> | undefined;
let asked = 0;
let isAsking = false;
/** Whether something has changed since the last question. */
let isStale = false;

/**
 * Selects machines by facts and by tags; the fault if the server cannot read a selector. While `isPending`, `selectedIds` are
 * still those of the selectors before: nothing may be done to all of them.
 */
export function selection(selectors: Selectors): { readonly fault: Fault | undefined; readonly isPending: boolean } {
  if (!areSame(wanted, selectors)) queueMicrotask(() => select(selectors));
  return { fault: fault.value, isPending: !areSame(answered.value, selectors) };
}

const areSame = (a: Selectors, b: Selectors) => a.where === b.where && a.labels === b.labels;

function select(selectors: Selectors): void {
  if (areSame(wanted, selectors)) return;
  wanted = selectors;
  clearTimeout(timer);
  timer = undefined;
  fault.value = undefined;
  asked += 1;
  isAsking = false;
  if (areSame(selectors, all)) take(selectors, undefined);
  else void ask();
}

async function ask(): Promise<void> {
  asked += 1;
  const number = asked;
  const selectors = wanted;
  isAsking = true;
  isStale = false;
  const found = await idsOf(selectors);
  // Another selector was chosen meanwhile.
  if (number !== asked) return;
  isAsking = false;
  if (found.kind === "answer") take(selectors, found.value);
  // Nothing is better than the machines of the selector before.
  else if (found.fault.status === 400) take(selectors, new Set());
  else isStale = true;
  fault.value = found.kind === "fault" ? found.fault : undefined;
  askSoon();
}

function take(selectors: Selectors, ids: ReadonlySet<string> | undefined): void {
  batch(() => {
    selectedIds.value = ids;
    answered.value = selectors;
  });
}

async function idsOf(selectors: Selectors): Promise<Answer<ReadonlySet<string>>> {
  const ids = new Set<string>();
  let next: string | undefined;
  do {
    const query = { ...selectors, fields: "id", limit: "5000", continue: next };
    const page = await send<{ machines: readonly { id: string }[]; continue?: string }>(
      withQuery("/v1/machines", query),
    );
    if (page.kind === "fault") return page;
    for (const { id } of page.value.machines) ids.add(id);
    next = page.value.continue;
  } while (next !== undefined);
  return { kind: "answer", value: ids };
}

/** Asks again after a while, one question at a time: a server that answers slower than the fleet changes is heard, too. */
function askSoon(): void {
  if (!isStale || isAsking || timer !== undefined || areSame(wanted, all)) return;
  timer = setTimeout(() => {
    timer = undefined;
    void ask();
  }, askEveryMs);
}

effect(() => {
  if (fleetRows().size === 0) return;
  isStale = true;
  askSoon();
});
