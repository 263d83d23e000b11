import type { MachineEvent } from "../../core/machine/event.ts";
import type { Log, Store } from "../../core/ports.ts";

/** Applies what a sub reports; a refusal is logged, because it does not concern the sub. */
export async function applyOrLog(store: Pick<Store, "apply">, event: MachineEvent, log: Log): Promise<void> {
  const decision = await store.apply(event);
  if (decision.kind === "refused")
    log("warn", "the MDB refused a sub's report", { event: event.kind, why: decision.refusal.message });
}
