import type { MachineId } from "../../core/machine/record.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { bootImageRules, obeysRetryAfter, openFetchQueue } from "../../core/uplink/fetch-queue.ts";
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
  const queue = openFetchQueue();
  const now = () => ({ nowMs: clock.monotonicMs(), rules });

  const idOf = (clientAddress: string): MachineId | undefined => store.find(clientAddress)?.id;

  return {
    admit: ({ clientAddress, userAgent, path }) => {
      if (!sizes.has(path) || !obeysRetryAfter(userAgent)) return { kind: "admitted" };
      const id = idOf(clientAddress);
      const answer = queue.ask(id ?? clientAddress, wholeBytes, now());
      if (answer.kind === "admitted") {
        if (id !== undefined) notes.waitsNoMore(id);
        return answer;
      }
      const { position, estimatedSeconds, retryAfterSeconds } = answer;
      if (id !== undefined)
        notes.waits(id, {
          reason: `position ${position} in the uplink queue, about ${estimatedSeconds} s left`,
          ...{ retryAfterSeconds, estimatedSeconds },
        });
      return { kind: "wait", retryAfterSeconds };
    },
    sent: ({ clientAddress, path, bytes }) => {
      if (!sizes.has(path)) return;
      queue.sent(idOf(clientAddress) ?? clientAddress, bytes, now());
    },
    isWaiting: () => queue.isAnyWaiting(now()),
  };
}
