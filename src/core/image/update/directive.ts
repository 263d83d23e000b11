import { changesKernel } from "../boot/kernel-change.ts";
import { subFilter } from "../filter.ts";
import type { ImageManifest } from "../manifest.ts";
import { type SeenTree, withoutDeepPaths } from "../tree.ts";
import { type Content, planUpdate } from "./difference.ts";
import { whyUnsafe } from "./safety.ts";
import type { UpdateStep } from "./update-step.ts";

/** The report of a sub with each poll. */
export type SubReport = {
  /** Version of the protocol that its agent speaks (`agentProtocol`). */
  readonly protocol: number;
  /** `birth`: still on the Bootstrap Image's kernel, birther-agent is PID 1. `image`: booted from its own disk. */
  readonly running: "birth" | "image";
  /** The image that the last finished update installed. */
  readonly patchedImage?: string;
  /** An update changed the kernel and the machine has not booted since. */
  readonly rebootPending: boolean;
  /** Time since the latest scan of the disk, or since the start of the agent: a boot does not trigger a scan of the whole disk. */
  readonly secondsSinceCheck: number;
  /** Free space on its root file system. */
  readonly freeBytes: number;
  /** Its tree, if the previous directive requested it. */
  readonly tree?: SeenTree;
  /** The objects in its store, sent with the tree. */
  readonly objects?: readonly string[];
};

/** The next task of a sub. Its agent executes it and polls again. */
export type Directive =
  | {
      readonly kind: "wait";
      readonly seconds: number;
      readonly reason: string;
      /** Nothing to do: the machine runs its image. */
      readonly upToDate?: true;
    }
  /** Scan the disk and send the tree. `filter` lines mark paths to skip. */
  | { readonly kind: "report"; readonly filter: readonly string[] }
  | { readonly kind: "fetch"; readonly objects: readonly Content[] }
  | {
      readonly kind: "update";
      readonly image: string;
      readonly steps: readonly UpdateStep[];
      readonly kernelChanged: boolean;
      /** Wanted paths that a protected path blocks. */
      readonly blocked: readonly string[];
    }
  | { readonly kind: "reboot"; readonly image: string };

/** Every kind of directive. */
export const directiveKinds = [
  "wait",
  "report",
  "fetch",
  "update",
  "reboot",
] as const satisfies readonly Directive["kind"][];

/** The decision about a poll: a directive, or an update that is stopped until an operator forces it. */
export type PollDecision = Directive | { readonly kind: "stop"; readonly image: string; readonly reason: string };

/** The intervals of polls and checks. */
export type SubPolicy = {
  readonly pollSeconds: number;
  readonly retrySeconds: number;
  readonly recheckSeconds: number;
};

/** The disk of a running machine is compared with its image once an hour; an up-to-date machine polls every 30 s. */
export const defaultSubPolicy: SubPolicy = { pollSeconds: 30, retrySeconds: 10, recheckSeconds: 3600 };

/**
 * Decides the directive for a sub from its report and its required image. The decision does not depend on earlier reports, so
 * a restart of either side loses nothing. `image` is undefined if the required image does not exist.
 */
export function decideDirective(input: {
  readonly required: string | undefined;
  readonly image: ImageManifest | undefined;
  readonly held: string | undefined;
  /** Why the latest directive failed. */
  readonly failure: string | undefined;
  /** The image that an operator forces on this machine, by its exact name: its update is not checked for safety. */
  readonly forced?: string | undefined;
  readonly report: SubReport;
  readonly policy: SubPolicy;
}): PollDecision {
  const { required, image, held, failure, report, policy } = input;
  if (held !== undefined) return { kind: "wait", seconds: policy.pollSeconds, reason: held };
  if (failure !== undefined) return { kind: "wait", seconds: policy.retrySeconds, reason: `retrying soon: ${failure}` };
  if (required === undefined)
    return { kind: "wait", seconds: policy.retrySeconds, reason: "this machine has no required image" };
  if (image === undefined)
    return { kind: "wait", seconds: policy.retrySeconds, reason: `image ${required} does not exist` };

  const patched = report.patchedImage === image.name;
  if (patched && (report.rebootPending || report.running === "birth")) return { kind: "reboot", image: image.name };
  if (report.tree === undefined) {
    if (patched && report.secondsSinceCheck < policy.recheckSeconds) return upToDate(image.name, policy);
    return { kind: "report", filter: image.filter };
  }

  const filter = subFilter(image.filter, report.protocol);
  const have = withoutDeepPaths(report.tree);
  const plan = planUpdate({ have, want: image.tree, filter, objects: new Set(report.objects ?? []) });
  const isDue = plan.missing.length > 0 || plan.steps.length > 0;
  const unsafe =
    isDue && input.forced !== image.name ? whyUnsafe({ image, have, ...plan, running: report.running }) : undefined;
  if (unsafe !== undefined) return { kind: "stop", image: image.name, reason: unsafe };
  if (plan.missing.length > 0) return fetchOrWait(plan.missing, report.freeBytes, policy);
  if (patched && plan.steps.length === 0) return upToDate(image.name, policy);
  const { steps, blocked } = plan;
  return { kind: "update", image: image.name, steps, kernelChanged: changesKernel(steps), blocked };
}

function upToDate(image: string, policy: SubPolicy): Directive {
  return { kind: "wait", seconds: policy.pollSeconds, reason: `runs ${image}`, upToDate: true };
}

/** Overhead of a file on ext4 is at most one block; an eighth of the space is reserved for logs and journal. */
function fetchOrWait(missing: readonly Content[], freeBytes: number, policy: SubPolicy): Directive {
  const block = 4096;
  const needed = missing.reduce((sum, content) => sum + Math.ceil(content.size / block) * block, 0);
  if (needed + needed / 8 <= freeBytes) return { kind: "fetch", objects: missing };
  const mebibytes = (bytes: number) => Math.ceil(bytes / 1048576);
  return {
    kind: "wait",
    seconds: policy.retrySeconds,
    reason: `insufficient space: expected ${mebibytes(needed)} MiB, found ${mebibytes(freeBytes)} MiB free`,
  };
}
