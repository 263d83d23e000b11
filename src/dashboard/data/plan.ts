import { signal } from "@preact/signals";
import type { PlanView, SlotView, SummaryView } from "../../contract/operator/fleet-views.ts";
import { send } from "./http.ts";

/** The slots that the configuration expects; empty without a plan, and until one of them is missed. */
export const expectedSlots = signal<readonly SlotView[]>([]);

let readOf = 0;

/** Reads the plan once for each start of the server, if machines are missing: all others are in the fleet. */
export async function wantPlan({ racks, server }: SummaryView): Promise<void> {
  const isMissing = racks.some(({ unheard = 0 }) => unheard > 0);
  if (!isMissing || readOf === server.startedAtMs) return;
  readOf = server.startedAtMs;
  const answer = await send<PlanView>("/v1/plan");
  if (answer.kind === "answer") expectedSlots.value = answer.value.slots;
  else readOf = 0;
}

/** How many slots the plan has, and how many of them were never heard from. */
export function expectationOf({ racks }: SummaryView): { readonly expected: number; readonly unheard: number } {
  const sum = (of: (rack: SummaryView["racks"][number]) => number | undefined) =>
    racks.reduce((total, rack) => total + (of(rack) ?? 0), 0);
  return { expected: sum((rack) => rack.expected), unheard: sum((rack) => rack.unheard) };
}
