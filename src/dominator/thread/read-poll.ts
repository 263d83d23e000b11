import * as v from "valibot";
import { newerProtocol } from "../../contract/protocol.ts";
import { faultMessages, faultsOf } from "../../contract/shape-faults.ts";
import { type SubOutcome, type SubPollRequest, subPollRequest } from "../../contract/sub.ts";
import type { AgentReport } from "../../core/agent/version.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import { faultOfTree } from "../../core/image/tree.ts";
import type { Assessment } from "../../core/image/update/assessment.ts";
import { type ComparedImage, compareTree } from "../../core/image/update/compare.ts";
import { type PackServers, plannedDirective, wholeDirective } from "../../core/image/update/directive.ts";
import type { FindInStores } from "../storage/packs/find-in-packs.ts";

/** A poll without the tree that it may have had. */
export type SmallPoll = Omit<SubPollRequest, "tree" | "objects">;

/** What the caller of `readPoll` knows of the machine. */
export type PollWanted = {
  /** Whether its tree was requested; another tree is not looked at. */
  readonly isRequested: boolean;
  /** The servers of packs for this machine. */
  readonly servers?: PackServers;
  /** The image that its tree is compared with; `sha512` of the manifest in the file. */
  readonly image?: {
    readonly name: string;
    readonly path: string;
    readonly sha512: string;
    /** Its stream if it is confidential. */
    readonly confidentialStream?: string;
  };
};

/** A poll, and what its tree showed. */
export type ReadPoll =
  | { readonly kind: "malformed"; readonly why: string }
  /** The agent speaks this protocol, which is newer than the server's. */
  | { readonly kind: "newerProtocol"; readonly protocol: number }
  | { readonly kind: "poll"; readonly poll: SmallPoll; readonly compared?: ComparedTree };

/** The comparison of a tree with a manifest, and the directive that its plan becomes, as JSON. */
export type ComparedTree = {
  readonly manifest: string;
  readonly assessment: Assessment;
  readonly directive: Uint8Array<ArrayBuffer>;
};

/** What `readPoll` reads: manifests and, if there are packs, the place of a content in them as they are now. */
export type PollTools = {
  readonly load: (image: NonNullable<PollWanted["image"]>) => ComparedImage;
  readonly find?: FindInStores;
};

/** Parses the body of a poll, and compares its tree with the machine's image. */
export function readPoll(
  body: Uint8Array,
  { isRequested, image, servers = { sources: [] } }: PollWanted,
  { load, find }: PollTools,
): ReadPoll {
  const parsed = parsePoll(body);
  if (parsed.kind !== "poll") return parsed;
  const { tree, objects = [], ...sent } = parsed.poll;
  const poll = plainPoll(sent);
  if (tree === undefined || !isRequested) return { kind: "poll", poll };
  const fault = faultOfTree(tree);
  if (fault !== undefined) return { kind: "malformed", why: fault };
  if (image === undefined) return { kind: "poll", poll };
  const { plan, assessment } = compareTree({ have: tree, objects, protocol: poll.protocol }, load(image));
  const origin = find === undefined ? undefined : { find: find(image.confidentialStream), ...servers };
  const whole = wholeDirective(plannedDirective(image.name, assessment), plan, origin);
  const directive = new TextEncoder().encode(JSON.stringify(whole));
  return { kind: "poll", poll, compared: { manifest: image.sha512, assessment, directive } };
}

/** A poll whose texts may be shown; the paths in its comparison stay as they are. */
export function plainPoll(poll: SmallPoll): SmallPoll {
  const { agent, diskKey, outcome, log } = poll;
  return {
    ...poll,
    kernel: plainText(poll.kernel),
    ...(poll.patchedImage === undefined ? {} : { patchedImage: plainText(poll.patchedImage) }),
    ...(agent === undefined ? {} : { agent: plainAgent(agent) }),
    ...(diskKey?.kind === "plain" ? { diskKey: { ...diskKey, reason: plainText(diskKey.reason) } } : {}),
    ...(outcome === undefined ? {} : { outcome: plainOutcome(outcome) }),
    ...(log === undefined ? {} : { log: log.map(plainText) }),
  };
}

function plainAgent({ version, rejected }: AgentReport): AgentReport {
  if (rejected === undefined) return { version };
  return { version, rejected: { ...rejected, reason: plainText(rejected.reason) } };
}

function plainOutcome(outcome: SubOutcome): SubOutcome {
  return outcome.kind === "done"
    ? { ...outcome, detail: plainText(outcome.detail) }
    : { ...outcome, reason: plainText(outcome.reason) };
}

/** Parses the body of a poll. */
export function parsePoll(
  body: Uint8Array,
): { readonly kind: "poll"; readonly poll: SubPollRequest } | Exclude<ReadPoll, { kind: "poll" }> {
  const message = parseJson(body);
  const newer = newerProtocol(message, agentProtocol);
  if (newer !== undefined) return { kind: "newerProtocol", protocol: newer };
  const parsed = v.safeParse(subPollRequest, message, faultMessages);
  return parsed.success ? { kind: "poll", poll: parsed.output } : { kind: "malformed", why: faultsOf(parsed.issues) };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}
