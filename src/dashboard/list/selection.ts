import { effect, signal } from "@preact/signals";
import { fleetRows } from "../data/fleet.ts";
import { type Fault, send, withQuery } from "../data/http.ts";

/** The ids that the selectors find; undefined for all machines. The server decides: it has all fields, and its own syntax. */
export const selectedIds = signal<ReadonlySet<string> | undefined>(undefined);
const fault = signal<Fault | undefined>(undefined);
const wanted = signal({ where: "", labels: "" });

/** How often at most the server is asked again while the fleet changes. */
const askEveryMs = 2000;
let timer: ReturnType<typeof setTimeout> | undefined;
let asked = 0;

/** Selects machines by facts and by tags; the fault if the server cannot read a selector. */
export function selection(selectors: { readonly where: string; readonly labels: string }): {
  readonly fault: Fault | undefined;
} {
  const { where, labels } = wanted.peek();
  if (where !== selectors.where || labels !== selectors.labels) queueMicrotask(() => select(selectors));
  return { fault: fault.value };
}

function select(selectors: { readonly where: string; readonly labels: string }): void {
  wanted.value = selectors;
  clearTimeout(timer);
  timer = undefined;
  fault.value = undefined;
  if (selectors.where === "" && selectors.labels === "") selectedIds.value = undefined;
  else void ask();
}

async function ask(): Promise<void> {
  asked += 1;
  const number = asked;
  const { where, labels } = wanted.peek();
  const ids = new Set<string>();
  let next: string | undefined;
  do {
    const query = { where, labels, fields: "id", limit: "5000", continue: next };
    const page = await send<{ machines: readonly { id: string }[]; continue?: string }>(
      withQuery("/v1/machines", query),
    );
    // Another selector was chosen meanwhile.
    if (number !== asked) return;
    if (page.kind === "fault") {
      fault.value = page.fault;
      // Nothing is better than the machines of the selector before.
      if (page.fault.status === 400) selectedIds.value = new Set();
      return;
    }
    for (const { id } of page.value.machines) ids.add(id);
    next = page.value.continue;
  } while (next !== undefined);
  fault.value = undefined;
  selectedIds.value = ids;
}

effect(() => {
  const { size } = fleetRows();
  const { where, labels } = wanted.value;
  if ((where === "" && labels === "") || timer !== undefined || size === 0) return;
  timer = setTimeout(() => {
    timer = undefined;
    void ask();
  }, askEveryMs);
});
