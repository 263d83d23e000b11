import type { Clock, Log, Store } from "../../core/ports.ts";
import { emptyFetchQueue, obeysRetryAfter, stepFetchQueue } from "../../core/uplink/fetch-queue.ts";
import type { UplinkQueue } from "./server.ts";

const bytesPerMegabit = 125_000;

/**
 * Lets only as many machines fetch the Bootstrap Image at once as the uplink can carry; the records of the others show
 * their position.
 */
export function openUplinkQueue(deps: {
  readonly megabitsPerSecond: number;
  /** Sizes of the queued files, by path: together they are one machine's turn. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): UplinkQueue {
  const { sizes, store, clock, log } = deps;
  const bytesPerSecond = deps.megabitsPerSecond * bytesPerMegabit;
  const wholeBytes = [...sizes.values()].reduce((total, size) => total + size, 0);
  let line = emptyFetchQueue;

  const machineAt = (clientAddress: string) => store.find(clientAddress);
  const nameOf = (clientAddress: string): string => machineAt(clientAddress)?.id ?? clientAddress;

  function note(clientAddress: string, reason: string | undefined): void {
    const machine = machineAt(clientAddress);
    const status = machine?.conditions.find(({ kind }) => kind === "waiting");
    if (machine === undefined || status?.reason === reason) return;
    const { id } = machine;
    const event =
      reason === undefined
        ? ({ kind: "conditionCleared", id, condition: "waiting" } as const)
        : ({ kind: "conditionSet", id, condition: "waiting", reason } as const);
    store
      .apply(event)
      .catch((error: unknown) => log("error", "recording a queue position failed", { id, error: String(error) }));
  }

  return {
    admit: ({ clientAddress, userAgent, path }) => {
      if (!sizes.has(path) || !obeysRetryAfter(userAgent)) return { kind: "admitted" };
      const now = { nowMs: clock.monotonicMs(), bytesPerSecond };
      const step = stepFetchQueue(line, { kind: "asked", who: nameOf(clientAddress), bytes: wholeBytes }, now);
      line = step.line;
      const answer = step.answer ?? { kind: "admitted" };
      if (answer.kind === "admitted") {
        note(clientAddress, undefined);
        return answer;
      }
      const { position, estimatedSeconds, retryAfterSeconds } = answer;
      note(clientAddress, `position ${position} in the uplink queue, about ${estimatedSeconds} s left`);
      return { kind: "wait", retryAfterSeconds };
    },
    sent: ({ clientAddress, path, bytes }) => {
      if (!sizes.has(path)) return;
      const now = { nowMs: clock.monotonicMs(), bytesPerSecond };
      line = stepFetchQueue(line, { kind: "sent", who: nameOf(clientAddress), bytes }, now).line;
    },
  };
}
