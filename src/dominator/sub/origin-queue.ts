import type { MachineId } from "../../core/machine/record.ts";
import type { Clock } from "../../core/ports.ts";
import {
  emptyFetchQueue,
  type FetchAnswer,
  type FetchQueueEvent,
  stepFetchQueue,
  systemImageRules,
} from "../../core/uplink/fetch-queue.ts";

/** Which machines fetch their system image from this server. */
export type OriginQueue = {
  /** `sentBytes` are what the machine got since it asked last. */
  readonly ask: (id: MachineId, bytes: { readonly leftBytes: number; readonly sentBytes: number }) => FetchAnswer;
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
  let line = emptyFetchQueue;

  function next(event: FetchQueueEvent) {
    const rules = systemImageRules({ bytesPerSecond, bootImagesWait: bootImagesWait() });
    return stepFetchQueue(line, event, { nowMs: clock.monotonicMs(), rules });
  }
  function step(event: FetchQueueEvent): FetchAnswer {
    const { line: after, answer } = next(event);
    line = after;
    return answer ?? { kind: "admitted" };
  }
  return {
    ask: (id, { leftBytes, sentBytes }) => {
      step({ kind: "sent", who: id, bytes: sentBytes });
      return step({ kind: "asked", who: id, bytes: leftBytes });
    },
    left: (id) => void step({ kind: "left", who: id }),
    isFull: (id) => next({ kind: "asked", who: id, bytes: 1 }).answer?.kind === "wait",
  };
}
