import { defaultArchitecture, type MachineArchitecture } from "../../machine/architecture.ts";
import { type ImageManifest, type ImageSummary, summariseImage } from "../manifest.ts";
import { compareTree } from "../update/compare.ts";
import {
  type Directive,
  decideDirective,
  type PollDecision,
  type SubReport,
  wholeDirective,
} from "../update/directive.ts";

/** The hash of the manifest in tests. */
export const testManifestHash = "c0".repeat(64);

/** The summary of an image in a test. */
export function summaryFor(image: ImageManifest): ImageSummary {
  return summariseImage(image, { sha512: testManifestHash, size: 1000 });
}

/** The authorities of a test's MDB. */
export const testTrust = { caPem: "-----BEGIN CERTIFICATE-----", sha512: "ca".repeat(64) } as const;

/** Decides as the server does: compares a tree that was sent, or uses the sub's own comparison. */
export function decideFor(
  input: Omit<Parameters<typeof decideDirective>[0], "image" | "architecture" | "report" | "trust"> & {
    readonly image: ImageManifest | undefined;
    /** The default if it is absent. */
    readonly architecture?: MachineArchitecture;
    readonly report: SubReport;
  },
): Exclude<PollDecision, { kind: "fetch" | "update" }> | Directive {
  const { image, architecture = defaultArchitecture, report: sent } = input;
  const { tree, objects = [], comparison, ...report } = sent;
  const own =
    tree === undefined || image === undefined
      ? undefined
      : { manifest: testManifestHash, ...compareTree({ have: tree, objects, protocol: report.protocol }, image) };
  const found = own ?? comparison;
  const compared = found && { ...found, hasPlan: found.plan !== undefined };
  const decided = decideDirective({
    ...input,
    architecture,
    trust: testTrust,
    image: image && summaryFor(image),
    report: compared === undefined ? report : { ...report, compared },
  });
  if (decided.kind !== "fetch" && decided.kind !== "update") return decided;
  if (found?.plan === undefined) throw new Error(`${decided.kind} without a plan`);
  return wholeDirective(decided, found.plan);
}
