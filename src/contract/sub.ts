/**
 * The settings that a sub gets at its birth (/etc/birther/sub.json), its polls (`paths.subPoll`, JSON over TLS, with
 * the machine's bearer credential) and the directives that answer them. Contents of files travel over plain HTTP
 * (`objectPaths`), those of confidential images over TLS: the sub verifies each by its SHA-512, and the hashes come over TLS. Readers ignore keys that they do
 * not know; whatever a reader must not ignore has a higher protocol number (protocol.ts).
 */
import * as v from "valibot";
import { attributeLimits } from "../core/image/attributes/attributes.ts";
import type { ImageManifest } from "../core/image/manifest.ts";
import type { SeenTree, Tree } from "../core/image/tree.ts";
import type { Assessment } from "../core/image/update/assessment.ts";
import { maxBlocked } from "../core/image/update/assessment.ts";
import type { Directive, SubReport } from "../core/image/update/directive.ts";
import { comparisonLimits, directiveKinds } from "../core/image/update/directive.ts";
import type { UpdateStep } from "../core/image/update/update-step.ts";
import type { MirrorState } from "../core/machine/storage.ts";
import type { WorkProgress } from "../core/machine/work-progress.ts";
import type { DiskKeyState } from "../core/tpm/disk-key.ts";
import type { MeasuredBoot } from "../core/tpm/measured-boot.ts";
import { agentReport, agentUpgrade } from "./agent.ts";
import { count, endpoint, text } from "./bounded-values.ts";
import { workProgress } from "./machine/report.ts";
import { mirrorState } from "./machine/storage.ts";
import { diskKeyState, measuredBoot } from "./measured-boot.ts";
import { protocolNumber } from "./protocol.ts";
import { pinned } from "./same.ts";
import { serving } from "./serving.ts";

/** Limit of paths in a tree; Debian with a desktop has 200,000. */
export const maxTreeEntries = 1_000_000;

const limits = {
  entries: maxTreeEntries,
  /** PATH_MAX (Linux limits.h). */
  path: 4096,
  objects: 1_000_000,
  logLines: 200,
  sources: 32,
} as const;

/** Limit of the size of a poll or a directive on the wire, in bytes of JSON. */
export const maxSubMessageBytes = 1 << 28;

const portNumber = v.pipe(count, v.minValue(1), v.maxValue(65_535));
const uuid = v.pipe(v.string(), v.regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/));
const path = v.pipe(v.string(), v.startsWith("/"), v.maxLength(limits.path));
const mode = v.pipe(count, v.maxValue(0o7777));
const sha512 = v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/));
/** Empty for an empty file, which has no object. */
const contentHash = v.pipe(v.string(), v.regex(/^([0-9a-f]{128})?$/));
const owner = { uid: count, gid: count } as const;
/** Milliseconds since 1970; negative for older times, which archives may contain. */
const time = v.pipe(v.number(), v.integer());

/** `GET /manifests/HEX`: the manifest whose bytes have this SHA-512. */
export const manifestPath = "/manifests/";

/**
 * `GET /objects/HEX`, and `POST /objects` with one hash per line, answered by `HEX LENGTH\n` and the content of each. The same
 * requests over TLS, with the agent's credential, also give what belongs to the confidential images of the machine's stream.
 */
export const objectPaths = { one: "/objects/", batch: "/objects" } as const;

/**
 * `GET /packs/HEX`: a pack of public contents, whole or in parts; `GET /packs/HEX.index`: its index (core/image/pack-index.ts), whose SHA-512
 * is the name of both.
 */
export const packPath = "/packs/";

/** More than a server names (core/network/site-server.ts). */
const mdbs = v.pipe(v.array(endpoint), v.maxLength(64));

const keyInTpm = { tpmIndex: v.pipe(count, v.maxValue(0xffffffff)) } as const;
const encryption = {
  keyVariable: text,
  /** The agent seals the key to boots of the loader with this Authenticode hash. */
  seal: v.exactOptional(v.object({ loaderSha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) })),
} as const;

/** /etc/birther/sub.json, mode 0600, because it contains the sub's credential. */
export const subSettings = v.object({
  machineId: text,
  /** `ADDRESS:PORT` of the MDB on the permanent network, and the name in its certificate. */
  mdb: endpoint,
  /** The MDB on other servers, which is asked when that one does not answer. */
  otherMdbs: v.exactOptional(mdbs),
  serverName: text,
  token: text,
  /** `ADDRESS:PORT` of the object server, plain HTTP. */
  http: endpoint,
  mac: text,
  firmware: v.picklist(["bios", "uefi"]),
  root: v.variant("kind", [
    v.object({
      kind: v.literal("luks2"),
      partUuid: uuid,
      ...encryption,
    }),
    /** Agents before it do not know this kind, and do not start: they would write an initrd that looks for a variable. */
    v.object({ kind: v.literal("luks2-tpm"), partUuid: uuid, ...keyInTpm }),
    v.object({ kind: v.literal("plain"), partUuid: uuid }),
    /** Agents before it do not know this kind, and do not start: they would write an initrd that opens one of the partitions. */
    v.object({
      kind: v.literal("mirror"),
      members: v.pipe(v.array(uuid), v.length(2), v.readonly()),
      luks2: v.exactOptional(v.union([v.object(encryption), v.object(keyInTpm)])),
    }),
  ]),
  boot: v.object({
    partUuid: uuid,
    /** The boot partition of a mirrored root's second disk. */
    mirrorPartUuid: v.exactOptional(uuid),
    /** Where the boot partition is mounted; absent on machines of the former layout, where it is /boot. */
    mountPoint: v.exactOptional(path),
  }),
  esp: v.exactOptional(v.object({ partUuid: uuid })),
});
export type SubSettings = v.InferOutput<typeof subSettings>;

/** Extended attributes of a file (core/image/attributes). Of more than an image can have, a machine reports the excess only in part. */
const attributes = v.exactOptional(
  v.pipe(
    v.array(v.strictTuple([v.pipe(v.string(), v.maxLength(256)), v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/))])),
    v.maxLength(attributeLimits.count + 1),
  ),
);
const noAttributes = v.exactOptional(v.literal(true));

const directoryInode = { kind: v.literal("directory"), mode, ...owner, attributes } as const;
const regularInode = {
  kind: v.literal("regular"),
  mode,
  ...owner,
  mtimeMs: time,
  size: count,
  sha512: contentHash,
  attributes,
} as const;
const symlinkInode = { kind: v.literal("symlink"), ...owner, target: text } as const;
const specialInode = {
  kind: v.literal("special"),
  mode: v.pipe(count, v.maxValue(0o177777)),
  ...owner,
  rdev: count,
  attributes,
} as const;

const inodes = [
  v.object(directoryInode),
  v.object(regularInode),
  v.object(symlinkInode),
  v.object(specialInode),
] as const;
const entries = v.pipe(v.array(v.strictTuple([path, count])), v.maxLength(limits.entries));

/** A file-system tree, as an image contains it (core/image/tree.ts). */
export const tree = v.object({
  inodes: v.pipe(v.array(v.variant("kind", inodes)), v.maxLength(limits.entries)),
  entries,
});

/** A tree as a sub reports it, with protected paths marked. */
export const seenTree = v.object({
  inodes: v.pipe(
    v.array(
      v.variant("kind", [
        v.object({ ...directoryInode, noAttributes }),
        v.object({ ...regularInode, noAttributes }),
        v.object(symlinkInode),
        v.object({ ...specialInode, noAttributes }),
        v.object({ kind: v.literal("protected") }),
      ]),
    ),
    v.maxLength(limits.entries),
  ),
  entries,
});

/** A system image on the image server's disk (core/image/manifest.ts). */
export const imageManifest = v.object({
  name: text,
  createdAtMs: count,
  source: text,
  filter: v.pipe(v.array(text), v.maxLength(10_000)),
  confidential: v.exactOptional(v.literal(true)),
  attributes: v.exactOptional(v.literal(true)),
  tree,
});

/** The result of the latest directive. */
const outcome = v.variant("kind", [
  v.object({ kind: v.literal("done"), directive: v.picklist(directiveKinds), durationMs: count, detail: text }),
  v.object({ kind: v.literal("failed"), directive: v.picklist(directiveKinds), reason: text }),
]);
export type SubOutcome = v.InferOutput<typeof outcome>;

const updateStep = v.variant("kind", [
  v.object({ kind: v.literal("keepObject"), path, sha512 }),
  v.object({ kind: v.literal("removeFile"), path }),
  v.object({ kind: v.literal("removeDirectory"), path }),
  v.object({ ...directoryInode, kind: v.literal("makeDirectory"), path }),
  v.object({ ...regularInode, kind: v.literal("placeFile"), path }),
  v.object({ ...symlinkInode, kind: v.literal("placeSymlink"), path }),
  v.object({ ...specialInode, kind: v.literal("placeSpecial"), path }),
  v.object({ kind: v.literal("placeLink"), path, existing: path }),
  v.object({
    kind: v.literal("setMetadata"),
    path,
    mode: v.exactOptional(v.pipe(count, v.maxValue(0o177777))),
    ...owner,
    mtimeMs: v.exactOptional(time),
    attributes,
  }),
]);

const content = v.object({ sha512, size: count });

const placedContent = v.object({ ...content.entries, pack: v.exactOptional(count), offset: v.exactOptional(count) });

const fetchSource = v.object({
  address: v.exactOptional(v.pipe(v.string(), v.regex(/^\d{1,3}(\.\d{1,3}){3}$/))),
  port: portNumber,
  path: v.exactOptional(v.pipe(v.string(), v.regex(/^(\/[A-Za-z0-9._~%-]+)+$/), v.maxLength(200))),
});

const seeding = v.object({
  port: v.exactOptional(portNumber),
  linkMbps: v.exactOptional(v.pipe(count, v.minValue(1), v.maxValue(10_000_000))),
});
const seed = v.object({ manifest: content, ...serving });

const assessment = v.object({
  entries: count,
  lacks: v.pipe(v.array(text), v.maxLength(100)),
  steps: count,
  removed: count,
  missing: v.object({ objects: count, bytes: count, diskBytes: count }),
  kernelChanged: v.boolean(),
  blocked: v.pipe(v.array(path), v.maxLength(maxBlocked)),
});

const comparison = v.object({
  manifest: sha512,
  assessment,
  plan: v.exactOptional(
    v.object({
      steps: v.pipe(v.array(updateStep), v.maxLength(comparisonLimits.steps)),
      missing: v.pipe(v.array(content), v.maxLength(comparisonLimits.missing)),
    }),
  ),
});

/** The fields of a poll that do not affect the directive. */
type PollFacts = {
  readonly machineId: string;
  readonly kernel: string;
  readonly measuredBoot?: MeasuredBoot;
  readonly diskKey?: DiskKeyState;
  readonly mirror?: MirrorState;
  readonly outcome?: SubOutcome;
  readonly log?: readonly string[];
  /** /proc/sys/kernel/random/boot_id. Agents before it say nothing. */
  readonly bootId?: string;
  /** Sent in the middle of a directive: the answer is not obeyed. */
  readonly progress?: WorkProgress;
};

export const subPollRequest = v.object({
  protocol: protocolNumber,
  machineId: text,
  running: v.picklist(["birth", "image"]),
  kernel: text,
  patchedImage: v.exactOptional(text),
  rebootPending: v.boolean(),
  secondsSinceCheck: count,
  freeBytes: count,
  authorities: v.exactOptional(sha512),
  tree: v.exactOptional(seenTree),
  objects: v.exactOptional(v.pipe(v.array(sha512), v.maxLength(limits.objects))),
  comparison: v.exactOptional(comparison),
  agent: v.exactOptional(agentReport),
  seeding: v.exactOptional(seeding),
  rejectedKernel: v.exactOptional(text),
  measuredBoot: v.exactOptional(measuredBoot),
  diskKey: v.exactOptional(diskKeyState),
  mirror: v.exactOptional(mirrorState),
  outcome: v.exactOptional(outcome),
  log: v.exactOptional(v.pipe(v.array(text), v.maxLength(limits.logLines))),
  progress: v.exactOptional(workProgress),
  bootId: v.exactOptional(text),
});
export type SubPollRequest = v.InferOutput<typeof subPollRequest>;

/** A poll as a sub sends it. */
export type SubPoll = SubReport & PollFacts;

/** The sub's next task (core/image/update/directive.ts). */
export const directive = v.variant("kind", [
  v.object({
    kind: v.literal("wait"),
    seconds: count,
    reason: text,
    upToDate: v.exactOptional(v.literal(true)),
    seed: v.exactOptional(seed),
    mdbs: v.exactOptional(mdbs),
  }),
  v.object({ kind: v.literal("report"), filter: v.array(text) }),
  v.object({
    kind: v.literal("compare"),
    image: text,
    manifest: content,
    confidentialPort: v.exactOptional(portNumber),
  }),
  v.object({
    kind: v.literal("fetch"),
    objects: v.pipe(v.array(placedContent), v.maxLength(limits.objects)),
    packs: v.exactOptional(v.pipe(v.array(sha512), v.maxLength(limits.objects))),
    sources: v.exactOptional(v.pipe(v.array(fetchSource), v.maxLength(limits.sources))),
    confidentialPort: v.exactOptional(portNumber),
  }),
  v.object({
    kind: v.literal("update"),
    image: text,
    steps: v.pipe(v.array(updateStep), v.maxLength(4 * limits.entries)),
    kernelChanged: v.boolean(),
    blocked: v.array(text),
  }),
  v.object({ kind: v.literal("reboot"), image: text }),
  v.object({ kind: v.literal("trust"), caPem: v.pipe(v.string(), v.maxLength(1 << 20)) }),
  v.object({ kind: v.literal("upgradeAgent"), ...agentUpgrade, deadlineSeconds: count }),
]);

// Types that core declares are the same here: a key that is in only one of the two does not compile.
pinned<Tree>()(tree);
pinned<SeenTree>()(seenTree);
pinned<ImageManifest>()(imageManifest);
pinned<Assessment>()(assessment);
pinned<SubPoll>()(subPollRequest);
pinned<UpdateStep>()(updateStep);
pinned<Directive>()(directive);
