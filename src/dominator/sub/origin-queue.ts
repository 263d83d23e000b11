import type { MachineId } from "../../core/machine/record.ts";
import type { Clock } from "../../core/ports.ts";
import { type FetchAnswer, openFetchQueue, systemImageRules } from "../../core/uplink/fetch-queue.ts";

/** Which machines fetch their system image from this server. */
export type OriginQueue = {
  /** `sentBytes` are what the machine got since it asked last; `hasOthers`: it may get the image from other machines. */
  readonly ask: (
    id: MachineId,
    fetch: { readonly leftBytes: number; readonly sentBytes: number; readonly hasOthers: boolean },
  ) => FetchAnswer;
  readonly left: (id: MachineId) => void;
  /** Whether this machine would have to wait. */
  readonly isFull: (id: MachineId) => boolean;
};

export type OriginQueueDeps = {
  /** Bandwidth of this server's uplink, if the configuration names it. */
  readonly bytesPerSecond?: number;
  /** Whether machines wait for boot images, which go first. */
  readonly bootImagesWait: () => boolean;
  readonly clock: Pick<Clock, "monotonicMs">;
};

export function openOriginQueue({ bytesPerSecond, bootImagesWait, clock }: OriginQueueDeps): OriginQueue {
  const queue = openFetchQueue();
  const now = (hasOthers = true) => ({
    nowMs: clock.monotonicMs(),
    rules: systemImageRules({ bytesPerSecond, bootImagesWait: bootImagesWait(), hasOthers }),
  });
  return {
    ask: (id, { leftBytes, sentBytes, hasOthers }) => {
      queue.sent(id, sentBytes, now());
      return queue.ask(id, leftBytes, now(hasOthers));
    },
    left: queue.left,
    isFull: (id) => queue.wouldWait(id, now()),
  };
}
