import { conditionOf } from "../../machine/life/move.ts";
import type { Machine } from "../../machine/record.ts";
import { followedStream, type ImageStream, imageOf, type Promotion } from "./image-stream.ts";

/** The progress of the first machine of a promotion. */
export type CanaryProgress = {
  /** `succeeded`: it runs the version and is up. `failed`: a condition says why not; the machine may retry by itself. */
  readonly kind: "waiting" | "succeeded" | "failed";
  readonly reason: string;
};

/**
 * The progress of the first machine of a promotion; `machine` is undefined if its record is gone. Where an external Dominator
 * updates the machines (`othersUpdate`), nobody tells Birther what they run.
 */
export function canaryProgress(
  held: ImageStream,
  machine: Machine | undefined,
  { promotion, othersUpdate }: { readonly promotion: Promotion; readonly othersUpdate?: boolean | undefined },
): CanaryProgress {
  const image = imageOf(held, promotion.version);
  if (machine === undefined) return { kind: "failed", reason: "the machine is no longer known" };
  if (followedStream(machine) !== held.stream)
    return { kind: "failed", reason: `it no longer follows ${held.stream}: it was retired, or requires another image` };
  const stopped = ["failing", "hold", "conflict"] as const;
  const condition = stopped.map((kind) => conditionOf(machine, kind)).find((found) => found !== undefined);
  if (condition !== undefined) return { kind: "failed", reason: `${condition.kind}: ${condition.reason}` };
  if (machine.disableUpdates === true) return { kind: "failed", reason: "its updates are disabled" };
  if (othersUpdate === true)
    return {
      kind: "failed",
      reason:
        "an external Dominator updates it, so Birther cannot see what it runs: check it, then use --all --no-canary",
    };
  if (machine.state === "healthy" && machine.phase === "up" && machine.runningImage === image)
    return { kind: "succeeded", reason: `it runs ${image} and is up` };
  const phase = machine.phase === undefined ? "" : `, phase ${machine.phase}`;
  return {
    kind: "waiting",
    reason: `state ${machine.state}${phase}, runs ${machine.runningImage ?? "no image"}, expected ${image}`,
  };
}

/** Why a machine cannot be the first one to get a version; undefined if it can. */
export function whyNoCanary(machine: Machine, { stream }: Pick<ImageStream, "stream">): string | undefined {
  if (followedStream(machine) !== stream) {
    const image = machine.requiredImage === undefined ? "no image" : machine.requiredImage;
    return `it does not follow ${stream}: it requires ${image}`;
  }
  if (machine.state !== "healthy" || machine.phase !== "up")
    return `it is not up: state ${machine.state}, phase ${machine.phase ?? "none"}`;
  if (machine.disableUpdates === true) return "its updates are disabled";
  const [condition] = machine.conditions;
  return condition === undefined ? undefined : `${condition.kind}: ${condition.reason}`;
}
