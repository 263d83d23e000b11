import { signal } from "@preact/signals";
import type { MachineView } from "../../contract/operator/views.ts";
import { send, withQuery } from "../data/http.ts";
import type { Row } from "../data/row.ts";

type Reason = { readonly conditions: number; readonly text: string };

/** Reasons of conditions by machine; rows of the fleet have only their kinds. */
const reasons = signal<ReadonlyMap<string, Reason>>(new Map());
const asked = new Map<string, number>();
const held = 5000;
let isReading = false;
let wanted = new Map<string, number>();

/** The reason of a machine's conditions; empty until it was read. */
export function reasonOf({ id, conditions }: Row): string {
  const reason = conditions === 0 ? undefined : reasons.value.get(id);
  return reason?.conditions === conditions ? reason.text : "";
}

/** Reads the reasons of the machines in sight. */
export function wantReasons(rows: readonly Row[]): void {
  for (const { id, conditions } of rows) {
    if (conditions !== 0 && asked.get(id) !== conditions) wanted.set(id, conditions);
  }
  readIn(150);
}

function readIn(ms: number): void {
  if (wanted.size === 0 || isReading) return;
  isReading = true;
  setTimeout(read, ms);
}

const retryMs = 2000;

async function read(): Promise<void> {
  const ids = wanted;
  wanted = new Map();
  for (const [id, conditions] of ids) asked.set(id, conditions);
  const query = { where: `id in (${[...ids.keys()].join(",")})`, fields: "conditions", limit: "1000" };
  const page = await send<{ machines: readonly Pick<MachineView, "id" | "conditions">[] }>(
    withQuery("/v1/machines", query),
  );
  isReading = false;
  if (page.kind === "fault") {
    // Nothing else may happen that asks for them again.
    for (const [id, conditions] of ids) {
      asked.delete(id);
      wanted.set(id, conditions);
    }
    readIn(retryMs);
    return;
  }
  const next = new Map([...reasons.value].slice(-held));
  for (const { id, conditions } of page.value.machines) {
    next.set(id, { conditions: ids.get(id) ?? 0, text: conditions.map(({ reason }) => reason).join("; ") });
  }
  reasons.value = next;
  readIn(150);
}
