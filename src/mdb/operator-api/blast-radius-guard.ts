import { type BlastRadius, type Excess, excessText, weighSending } from "../../core/fleet/blast-radius.ts";
import type { Refusal } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Clock, Store } from "../../core/ports.ts";

/** Watches over one request that sends machines away. */
export type BlastGuard = {
  /** The groups that it would hurt more than they may be, as the fleet is now. */
  readonly excess: () => readonly Excess[];
  /** Why it may not be done; the guard of each of its events (`ApplyOptions`), so that two requests at once cannot both pass. */
  readonly refusal: () => Refusal | undefined;
};

/**
 * A guard for these machines. The fleet is weighed once for the whole request, before its first event, and again when
 * others have written meanwhile: in between, what it counts is its own.
 */
export function blastGuard(options: {
  readonly store: Pick<Store, "list" | "position">;
  readonly clock: Clock;
  readonly limits: BlastRadius;
  readonly targets: readonly MachineId[];
}): BlastGuard {
  const { store, clock, limits, targets } = options;
  let weighed: { readonly position: number; readonly excess: readonly Excess[] } | undefined;
  const excess = () => {
    const position = store.position();
    if (weighed?.position !== position) {
      weighed = { position, excess: weighSending({ targets, fleet: store.list(), limits, nowMs: clock.nowMs() }) };
    }
    return weighed.excess;
  };
  return { excess, refusal: () => refusalOf(excess(), limits, clock.nowMs()) };
}

function refusalOf(excess: readonly Excess[], limits: BlastRadius, nowMs: number): Refusal | undefined {
  if (excess.length === 0) return undefined;
  const wait = excess.every(({ freeAtMs }) => freeAtMs !== undefined)
    ? `wait ${Math.ceil(Math.max(...excess.map(({ freeAtMs = nowMs }) => freeAtMs - nowMs)) / 60_000)} min`
    : "ask for fewer at a time";
  return {
    kind: "beyondBlastRadius",
    message: excess.map((group) => excessText(group, limits)).join("; "),
    next: `${wait}; or --override, if all of these machines may be missing at once`,
  };
}
