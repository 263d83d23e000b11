import { changesKernel } from "../boot/kernel-change.ts";
import { subFilter } from "../filter.ts";
import type { ImageManifest } from "../manifest.ts";
import type { SeenTree } from "../tree.ts";
import { type Content, planUpdate } from "./difference.ts";
import { whyUnsafe } from "./safety.ts";
import type { UpdateStep } from "./update-step.ts";

/** What a sub says of itself each time it asks what to do. */
export type SubReport = {
  /** Version of the protocol that its agent speaks (`agentProtocol`). */
  readonly protocol: number;
  /** `birth`: still on the Bootstrap Image's kernel, birther-agent is PID 1. `image`: booted from its own disk. */
  readonly running: "birth" | "image";
  /** The image that the last finished update installed. */
  readonly patchedImage?: string;
  /** An update changed the kernel and the machine has not booted since. */
  readonly rebootPending: boolean;
  /** Since the sub last scanned its disk, or since it started when it has not: a boot is not followed by reading the whole disk. */
  readonly secondsSinceCheck: number;
  /** Room on its root file-system. */
  readonly freeBytes: number;
  /** Its tree, when it was told to report it. */
  readonly tree?: SeenTree;
  /** Contents in its object store, with the tree. */
  readonly objects?: readonly string[];
};

/** What a sub is told to do next. It carries it out and asks again. */
export type Directive =
  | {
      readonly kind: "wait";
      readonly seconds: number;
      readonly reason: string;
      /** There is nothing to do: the machine is at its image. */
      readonly upToDate?: true;
    }
  /** Scan the disk and send the tree. `filter` lines mark what is not to be looked into. */
  | { readonly kind: "report"; readonly filter: readonly string[] }
  | { readonly kind: "fetch"; readonly objects: readonly Content[] }
  | {
      readonly kind: "update";
      readonly image: string;
      readonly steps: readonly UpdateStep[];
      readonly kernelChanged: boolean;
      /** Wanted paths that something protected stands in the way of. */
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

/** What a sub's poll leads to: a directive, or an update that is stopped until an operator forces it. */
export type PollDecision = Directive | { readonly kind: "stop"; readonly image: string; readonly reason: string };

/** How often things are looked at again. */
export type SubPolicy = {
  readonly pollSeconds: number;
  readonly retrySeconds: number;
  readonly recheckSeconds: number;
};

/** A running machine's disk is compared with its image once an hour; a machine on its image is heard of every half minute. */
export const defaultSubPolicy: SubPolicy = { pollSeconds: 30, retrySeconds: 10, recheckSeconds: 3600 };

/**
 * What a sub gets told, from what it reported and what it should be. It needs no memory of earlier reports, so that a restart
 * of either side loses nothing. `image` is undefined where there is none of the required name.
 */
export function decideDirective(input: {
  readonly required: string | undefined;
  readonly image: ImageManifest | undefined;
  readonly held: string | undefined;
  /** Why the last directive could not be carried out. */
  readonly failure: string | undefined;
  /** The image that an operator forces on this machine, by its exact name: its update is not checked for safety. */
  readonly forced?: string | undefined;
  readonly report: SubReport;
  readonly policy: SubPolicy;
}): PollDecision {
  const { required, image, held, failure, report, policy } = input;
  if (held !== undefined) return { kind: "wait", seconds: policy.pollSeconds, reason: held };
  if (failure !== undefined)
    return { kind: "wait", seconds: policy.retrySeconds, reason: `trying again soon: ${failure}` };
  if (required === undefined)
    return { kind: "wait", seconds: policy.retrySeconds, reason: "no image is required of this machine" };
  if (image === undefined)
    return { kind: "wait", seconds: policy.retrySeconds, reason: `there is no image ${required}` };

  const patched = report.patchedImage === image.name;
  if (patched && (report.rebootPending || report.running === "birth")) return { kind: "reboot", image: image.name };
  if (report.tree === undefined) {
    if (patched && report.secondsSinceCheck < policy.recheckSeconds) return upToDate(image.name, policy);
    return { kind: "report", filter: image.filter };
  }

  const filter = subFilter(image.filter, report.protocol);
  const plan = planUpdate({ have: report.tree, want: image.tree, filter, objects: new Set(report.objects ?? []) });
  const isDue = plan.missing.length > 0 || plan.steps.length > 0;
  const unsafe =
    isDue && input.forced !== image.name
      ? whyUnsafe({ image, have: report.tree, ...plan, running: report.running })
      : undefined;
  if (unsafe !== undefined) return { kind: "stop", image: image.name, reason: unsafe };
  if (plan.missing.length > 0) return fetchOrWait(plan.missing, report.freeBytes, policy);
  if (patched && plan.steps.length === 0) return upToDate(image.name, policy);
  const { steps, blocked } = plan;
  return { kind: "update", image: image.name, steps, kernelChanged: changesKernel(steps), blocked };
}

function upToDate(image: string, policy: SubPolicy): Directive {
  return { kind: "wait", seconds: policy.pollSeconds, reason: `runs ${image}`, upToDate: true };
}

/** Block and inode overhead of a file on ext4 is a block at most; the eighth left over is for logs and journal. */
function fetchOrWait(missing: readonly Content[], freeBytes: number, policy: SubPolicy): Directive {
  const block = 4096;
  const needed = missing.reduce((sum, content) => sum + Math.ceil(content.size / block) * block, 0);
  if (needed + needed / 8 <= freeBytes) return { kind: "fetch", objects: missing };
  const mebibytes = (bytes: number) => Math.ceil(bytes / 1048576);
  return {
    kind: "wait",
    seconds: policy.retrySeconds,
    reason: `insufficient space: ${mebibytes(needed)} MiB to fetch, ${mebibytes(freeBytes)} MiB free`,
  };
}
