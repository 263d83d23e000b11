import type { MachineId } from "../../core/machine/record.ts";
import type { Clock, Store } from "../../core/ports.ts";
import {
  bootImageRules,
  emptyFetchQueue,
  isAnyWaiting,
  obeysRetryAfter,
  stepFetchQueue,
} from "../../core/uplink/fetch-queue.ts";
import type { WaitingNotes } from "../../core/uplink/waiting-notes.ts";
import type { UplinkQueue } from "./server.ts";

/**
 * Lets only as many machines fetch the Bootstrap Image at once as the uplink can carry; the records of the others show
 * their position.
 */
export function openUplinkQueue(deps: {
  readonly bytesPerSecond: number;
  /** Sizes of the queued files, by path: together they are one machine's turn. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly store: Pick<Store, "find">;
  readonly notes: Pick<WaitingNotes, "waits" | "waitsNoMore">;
  readonly clock: Clock;
}): UplinkQueue {
  const { sizes, store, notes, clock } = deps;
  const rules = bootImageRules(deps.bytesPerSecond);
  const wholeBytes = [...sizes.values()].reduce((total, size) => total + size, 0);
  let line = emptyFetchQueue;

  const idOf = (clientAddress: string): MachineId | undefined => store.find(clientAddress)?.id;

  return {
    admit: ({ clientAddress, userAgent, path }) => {
      if (!sizes.has(path) || !obeysRetryAfter(userAgent)) return { kind: "admitted" };
      const id = idOf(clientAddress);
      const asked = { kind: "asked", who: id ?? clientAddress, bytes: wholeBytes } as const;
      const step = stepFetchQueue(line, asked, { nowMs: clock.monotonicMs(), rules });
      line = step.line;
      const answer = step.answer ?? { kind: "admitted" };
      if (answer.kind === "admitted") {
        if (id !== undefined) notes.waitsNoMore(id);
        return answer;
      }
      const { position, estimatedSeconds, retryAfterSeconds } = answer;
      if (id !== undefined)
        notes.waits(id, `position ${position} in the uplink queue, about ${estimatedSeconds} s left`);
      return { kind: "wait", retryAfterSeconds };
    },
    sent: ({ clientAddress, path, bytes }) => {
      if (!sizes.has(path)) return;
      const sent = { kind: "sent", who: idOf(clientAddress) ?? clientAddress, bytes } as const;
      line = stepFetchQueue(line, sent, { nowMs: clock.monotonicMs(), rules }).line;
    },
    isWaiting: () => isAnyWaiting(line, { nowMs: clock.monotonicMs(), rules }),
  };
}
