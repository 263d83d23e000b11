import type { AgentFileName, AgentReport } from "../../agent/version.ts";
import type { MachineArchitecture } from "../../machine/architecture.ts";
import { comparingProtocol } from "../filter.ts";
import type { ImageSummary } from "../manifest.ts";
import { type FindInPacks, type PlacedContent, placeInPacks } from "../pack-locations.ts";
import type { SeenTree } from "../tree.ts";
import type { Assessment } from "./assessment.ts";
import type { Content, UpdatePlan } from "./difference.ts";
import { whyUnsafe } from "./safety.ts";
import type { UpdateStep } from "./update-step.ts";

/** The report of a sub with each poll. */
export type SubReport = {
  /** Version of the protocol that its agent speaks (`agentProtocol`). */
  readonly protocol: number;
  /**
   * `birth`: it runs the Bootstrap Image's kernel, and birther-agent is PID 1. `image`: it booted from its own disk.
   */
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
  /** SHA-512 of the file with the certificate authorities that it trusts; agents that cannot replace it do not send it. */
  readonly authorities?: string;
  /** Its own comparison of its tree with an image, if the previous directive requested it. */
  readonly comparison?: Comparison;
  /** Why the kernel of its image does not run: it was tried and did not come up. */
  readonly rejectedKernel?: string;
  /** Its agent; absent if that is older than `upgradingProtocol`. */
  readonly agent?: AgentReport;
  /** It can serve its image to other machines out of the files of its system, and where it does. */
  readonly seeding?: Seeding;
};

/** Of a machine that runs its image: the port at which it serves other machines, if it does, and the speed of its link, if that is known. */
export type Seeding = { readonly port?: number; readonly linkMbps?: number };

/** A sub's comparison of its tree with the manifest of this SHA-512. */
export type Comparison = {
  readonly manifest: string;
  readonly assessment: Assessment;
  /** Left out if it is larger than `comparisonLimits`. */
  readonly plan?: Bulk;
};

/** The part of a plan that a directive executes. */
export type Bulk = Pick<UpdatePlan, "steps" | "missing">;

/** The largest plan of a comparison; with a larger difference the server requests the tree, and plans in its own thread. */
export const comparisonLimits = { steps: 500, missing: 500 } as const;

/** A report in the form that the decision needs: what it was compared with, and whether the server has the plan. */
export type AssessedReport = Omit<SubReport, "tree" | "objects" | "comparison"> & {
  readonly compared?: { readonly manifest: string; readonly assessment: Assessment; readonly hasPlan: boolean };
};

/** The next task of a sub. Its agent executes it and polls again. */
export type Directive =
  | {
      readonly kind: "wait";
      readonly seconds: number;
      readonly reason: string;
      /** Nothing to do: the machine runs its image. */
      readonly upToDate?: true;
      /** Until the next answer, serve the image to other machines. */
      readonly seed?: Seed;
      /** Where the agent finds the MDB from now on, `ADDRESS:PORT`, the server of this answer first. */
      readonly mdbs?: readonly string[];
    }
  /** Scan the disk and send the tree. `filter` lines mark paths to skip. */
  | { readonly kind: "report"; readonly filter: readonly string[] }
  /** Fetch the manifest by its hash, scan the disk, compare, and send the differences. */
  | {
      readonly kind: "compare";
      readonly image: string;
      readonly manifest: Content;
      /** As for `FetchContents`. */
      readonly confidentialPort?: number;
    }
  | FetchContents
  | {
      readonly kind: "update";
      readonly image: string;
      readonly steps: readonly UpdateStep[];
      readonly kernelChanged: boolean;
      /** Wanted paths that a protected path blocks. */
      readonly blocked: readonly string[];
    }
  | { readonly kind: "reboot"; readonly image: string }
  /** Trust these certificate authorities, and no others: PEM texts, one after the other. */
  | { readonly kind: "trust"; readonly caPem: string }
  | UpgradeAgent;

/** How a machine that runs an image serves it to others, out of the files of its system. */
export type Seed = {
  readonly manifest: Content;
  /** The keys by which machines know each other, the present one first, in hex. */
  readonly peerKeys: readonly string[];
  /** To all others together; absent where no limit applies. */
  readonly uploadBytesPerSecond?: number;
};

/** Fetch contents, from other machines or from the server. What is in packs can also come from these sources, as streams. */
export type FetchContents = {
  readonly kind: "fetch";
  readonly objects: readonly PlacedContent[];
  /** The names of the packs that `objects` number. */
  readonly packs?: readonly string[];
  /** Servers of packs, best first. */
  readonly sources?: readonly FetchSource[];
  /**
   * The port of the server that has these contents, and the packs, over TLS with the machine's credential: they are those of a confidential
   * image, and no other source is asked. Agents that do not know it find them at the port for machines.
   */
  readonly confidentialPort?: number;
};

/** A server of packs over plain HTTP: an address, without it the server's own, a port, and a path before those of packs. */
export type FetchSource = { readonly address?: string; readonly port: number; readonly path?: string };

/** Fetch another version of the agent, put it in place and try it: it has to reach the server within the deadline. */
export type UpgradeAgent = {
  readonly kind: "upgradeAgent";
  readonly version: string;
  readonly files: readonly AgentFile[];
  readonly deadlineSeconds: number;
};

/** A file of an agent, as an object. */
export type AgentFile = Content & { readonly name: AgentFileName; readonly mode: number };

/** Every kind of directive. */
export const directiveKinds = [
  "wait",
  "report",
  "compare",
  "fetch",
  "update",
  "reboot",
  "trust",
  "upgradeAgent",
] as const satisfies readonly Directive["kind"][];

/** A directive that executes a plan, without the plan itself. */
export type PlannedDirective =
  | { readonly kind: "fetch"; readonly objects: number; readonly bytes: number }
  | (Omit<Extract<Directive, { readonly kind: "update" }>, "steps"> & { readonly steps: number });

/** The decision about a poll: a directive, or what is stopped until an operator acts. */
export type PollDecision =
  | Exclude<Directive, { readonly kind: "fetch" | "update" | "upgradeAgent" }>
  | PlannedDirective
  | {
      readonly kind: "stop";
      readonly image: string;
      readonly reason: string;
      /** What stops the machine: an update that is not safe, a kernel that did not come up, or an image for other machines. */
      readonly cause: "unsafeUpdate" | "rejectedKernel" | "otherArchitecture";
    };

/** The intervals of polls and checks. */
export type SubPolicy = {
  readonly pollSeconds: number;
  readonly retrySeconds: number;
  readonly recheckSeconds: number;
};

/** The disk of a running machine is compared with its image once an hour; an up-to-date machine polls every 30 s. */
export const defaultSubPolicy: SubPolicy = { pollSeconds: 30, retrySeconds: 10, recheckSeconds: 3600 };

/** Polls a second of all machines with nothing to do: a fifth of the time of a server's thread, at 0.47 ms each (bench/arrival). */
const idlePollsPerSecond = 400;

/**
 * The policy for a fleet of as many machines, whose agents are noticed when they are silent for `silentSeconds` (deadline of phase `up`).
 * More than 12,000 poll less often, but at least three times within that deadline: 40,000 that poll every 30 s would take two
 * thirds of the time of that thread.
 */
export function subPolicyFor(machines: number, silentSeconds: number): SubPolicy {
  const { pollSeconds } = defaultSubPolicy;
  const seconds = Math.min(Math.ceil(machines / idlePollsPerSecond), Math.floor(silentSeconds / 3));
  return { ...defaultSubPolicy, pollSeconds: Math.max(pollSeconds, seconds) };
}

/**
 * Decides the directive for a sub from its report and its required image. The decision does not depend on earlier reports, so
 * a restart of either side loses nothing. `image` is undefined if the required image does not exist.
 */
export function decideDirective(input: {
  readonly required: string | undefined;
  readonly image: ImageSummary | undefined;
  /** What the machine runs. */
  readonly architecture: MachineArchitecture;
  readonly held: string | undefined;
  /** Why others update the machine: nothing is to do for its agent. */
  readonly left?: string | undefined;
  /** Why the latest directive failed. */
  readonly failure: string | undefined;
  /** The image that an operator forces on this machine, by its exact name: its update is not checked for safety. */
  readonly forced?: string | undefined;
  /** The certificate authorities of this MDB, with the SHA-512 of that text. */
  readonly trust: { readonly caPem: string; readonly sha512: string };
  readonly report: AssessedReport;
  readonly policy: SubPolicy;
}): PollDecision {
  const { required, image, held, failure, report, policy } = input;
  if (held !== undefined) return { kind: "wait", seconds: policy.pollSeconds, reason: held };
  const { trust } = input;
  if (failure === undefined && report.authorities !== undefined && report.authorities !== trust.sha512)
    return { kind: "trust", caPem: trust.caPem };
  if (input.left !== undefined)
    return { kind: "wait", seconds: policy.pollSeconds, reason: input.left, upToDate: true };
  if (failure !== undefined) return { kind: "wait", seconds: policy.retrySeconds, reason: `retrying soon: ${failure}` };
  if (required === undefined)
    return { kind: "wait", seconds: policy.retrySeconds, reason: "this machine has no required image" };
  if (image === undefined)
    return { kind: "wait", seconds: policy.retrySeconds, reason: `image ${required} does not exist on this server` };
  const { architecture } = input;
  if (image.architecture !== undefined && image.architecture !== architecture) {
    const reason = `${image.name} is for ${image.architecture}, and this machine is ${architecture}`;
    return { kind: "stop", image: image.name, reason, cause: "otherArchitecture" };
  }

  const patched = report.patchedImage === image.name;
  if (patched && (report.rebootPending || report.running === "birth")) return { kind: "reboot", image: image.name };
  if (patched && report.rejectedKernel !== undefined)
    return { kind: "stop", image: image.name, reason: report.rejectedKernel, cause: "rejectedKernel" };
  const { compared } = report;
  if (compared === undefined || compared.manifest !== image.manifest.sha512) {
    if (patched && report.secondsSinceCheck < policy.recheckSeconds) return upToDate(image.name, policy);
    return requestCheck(image, report);
  }
  const { assessment } = compared;
  if (assessment.steps === 0 && assessment.missing.objects === 0 && patched) return upToDate(image.name, policy);
  const isDue = assessment.steps > 0 || assessment.missing.objects > 0;
  const unsafe =
    isDue && input.forced !== image.name ? whyUnsafe({ image, assessment, running: report.running }) : undefined;
  if (unsafe !== undefined) return { kind: "stop", image: image.name, reason: unsafe, cause: "unsafeUpdate" };
  if (!compared.hasPlan) return { kind: "report", filter: image.filter };
  return whyNoSpace(assessment, report.freeBytes, policy) ?? plannedDirective(image.name, assessment);
}

/** A newborn's disk has little in common with its image, and an older agent cannot compare: both send their tree. */
function requestCheck(image: ImageSummary, { protocol, running }: AssessedReport): PollDecision {
  if (protocol < comparingProtocol || running === "birth") return { kind: "report", filter: image.filter };
  return { kind: "compare", image: image.name, manifest: image.manifest };
}

function upToDate(image: string, policy: SubPolicy): PollDecision {
  return { kind: "wait", seconds: policy.pollSeconds, reason: `runs ${image}`, upToDate: true };
}

/** Overhead of a file on ext4 is at most one block; an eighth of the space is reserved for logs and journal. */
function whyNoSpace({ missing }: Assessment, freeBytes: number, policy: SubPolicy): PollDecision | undefined {
  const needed = missing.diskBytes;
  if (needed + needed / 8 <= freeBytes || missing.objects === 0) return undefined;
  const mebibytes = (bytes: number) => Math.ceil(bytes / 1048576);
  return {
    kind: "wait",
    seconds: policy.retrySeconds,
    reason: `insufficient space: expected ${mebibytes(needed)} MiB, found ${mebibytes(freeBytes)} MiB free`,
  };
}

/** The next directive for an image: fetch what is missing, then update. */
export function plannedDirective(image: string, assessment: Assessment): PlannedDirective {
  const { missing, steps, kernelChanged, blocked } = assessment;
  if (missing.objects > 0) return { kind: "fetch", objects: missing.objects, bytes: missing.bytes };
  return { kind: "update", image, steps, kernelChanged, blocked };
}

/** Where contents are in packs, and who has packs: servers for everybody, or the server over TLS if it has packs at that port. */
export type PackOrigin = { readonly find: FindInPacks } & PackServers;

/** Which servers have packs. */
export type PackServers = {
  readonly sources: readonly FetchSource[];
  readonly confidential?: { readonly port: number; readonly hasPacks: boolean };
};

/** The same directive with its plan, as the sub needs it; with `origin`, it also says where contents are in packs. */
export function wholeDirective(planned: PlannedDirective, { steps, missing }: Bulk, origin?: PackOrigin): Directive {
  if (planned.kind !== "fetch") return { ...planned, steps };
  const { sources = [], confidential } = origin ?? {};
  const closed = confidential === undefined ? {} : { confidentialPort: confidential.port };
  const hasPacks = confidential === undefined ? sources.length > 0 : confidential.hasPacks;
  if (origin === undefined || !hasPacks) return { kind: "fetch", objects: missing, ...closed };
  const { objects, packs } = placeInPacks(missing, origin.find);
  if (packs.length === 0) return { kind: "fetch", objects: missing, ...closed };
  return { kind: "fetch", objects, packs, ...(confidential === undefined ? { sources } : closed) };
}
