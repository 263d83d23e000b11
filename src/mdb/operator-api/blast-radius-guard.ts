import { type BlastRadius, type Excess, excessText, weighSending } from "../../core/fleet/blast-radius.ts";
import type { Refusal } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Clock, Store } from "../../core/ports.ts";

/** Guards one request that sends machines to rebirth or clean. */
export type BlastGuard = {
  /** The groups that would exceed their limit, with the current fleet. */
  readonly excess: () => readonly Excess[];
  /**
   * Why the request exceeds the blast radius; also the guard of each of its events (`ApplyOptions`), so that two
   * concurrent requests cannot both pass.
   */
  readonly refusal: () => Refusal | undefined;
};

/**
 * A guard for these machines. What was sent is counted before the first event of the request, and again after anything was
 * written, by this request, another one or another server. A machine that was sent is not counted twice.
 */
export function blastGuard(options: {
  readonly store: Pick<Store, "get" | "ownership" | "position">;
  readonly clock: Clock;
  readonly limits: BlastRadius;
  readonly targets: readonly MachineId[];
}): BlastGuard {
  const { store, clock, limits, targets } = options;
  let weighed: { readonly position: number; readonly excess: readonly Excess[] } | undefined;
  const excess = () => {
    const position = store.position();
    if (weighed?.position !== position) {
      const owned = targets.flatMap((id) => store.get(id) ?? []);
      const excess = weighSending({ targets: owned, fleet: store.ownership(), limits, nowMs: clock.nowMs() });
      weighed = { position, excess };
    }
    return weighed.excess;
  };
  return { excess, refusal: () => refusalOf(excess(), limits, clock.nowMs()) };
}

function refusalOf(excess: readonly Excess[], limits: BlastRadius, nowMs: number): Refusal | undefined {
  if (excess.length === 0) return undefined;
  const wait = excess.every(({ freeAtMs }) => freeAtMs !== undefined)
    ? `wait ${Math.ceil(Math.max(...excess.map(({ freeAtMs = nowMs }) => freeAtMs - nowMs)) / 60_000)} min`
    : "select fewer machines at a time";
  return {
    kind: "beyondBlastRadius",
    message: excess.map((group) => excessText(group, limits)).join("; "),
    next: `${wait}, or exceed the blast radius (--override) if all of these machines may be unavailable at once`,
  };
}
