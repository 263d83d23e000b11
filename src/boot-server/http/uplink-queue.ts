import type { Clock, Log, Store } from "../../core/ports.ts";
import { emptyLine, obeysRetryAfter, stepLine } from "../../core/uplink/fetch-queue.ts";
import type { Admission } from "./server.ts";

const bytesPerMegabit = 125_000;

/** Lets as many machines fetch the Bootstrap Image at once as the uplink can feed; the others' records say that they wait. */
export function openUplinkLine(deps: {
  readonly megabitsPerSecond: number;
  /** Sizes of the files that are fetched in turn, by path: all of them together are one machine's turn. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): Admission {
  const { sizes, store, clock, log } = deps;
  const bytesPerSecond = deps.megabitsPerSecond * bytesPerMegabit;
  const wholeBytes = [...sizes.values()].reduce((total, size) => total + size, 0);
  let line = emptyLine;

  const machineAt = (clientAddress: string) => store.find(clientAddress);
  const nameOf = (clientAddress: string): string => machineAt(clientAddress)?.id ?? clientAddress;

  function note(clientAddress: string, reason: string | undefined): void {
    const machine = machineAt(clientAddress);
    const standing = machine?.conditions.find(({ kind }) => kind === "waiting");
    if (machine === undefined || standing?.reason === reason) return;
    const { id } = machine;
    const event =
      reason === undefined
        ? ({ kind: "conditionCleared", id, condition: "waiting" } as const)
        : ({ kind: "conditionSet", id, condition: "waiting", reason } as const);
    store
      .apply(event)
      .catch((error: unknown) => log("error", "place in line not recorded", { id, error: String(error) }));
  }

  return {
    admit: ({ clientAddress, userAgent, path }) => {
      if (!sizes.has(path) || !obeysRetryAfter(userAgent)) return { kind: "admitted" };
      const now = { nowMs: clock.monotonicMs(), bytesPerSecond };
      const step = stepLine(line, { kind: "asked", who: nameOf(clientAddress), bytes: wholeBytes }, now);
      line = step.line;
      const verdict = step.verdict ?? { kind: "admitted" };
      if (verdict.kind === "admitted") {
        note(clientAddress, undefined);
        return verdict;
      }
      const { position, estimatedSeconds, retryAfterSeconds } = verdict;
      note(clientAddress, `place ${position} in line for the uplink, about ${estimatedSeconds} s to go`);
      return { kind: "wait", retryAfterSeconds };
    },
    sent: ({ clientAddress, path, bytes }) => {
      if (!sizes.has(path)) return;
      const now = { nowMs: clock.monotonicMs(), bytesPerSecond };
      line = stepLine(line, { kind: "sent", who: nameOf(clientAddress), bytes }, now).line;
    },
  };
}
