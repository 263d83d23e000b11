import { counted } from "../bytes/counted.ts";
import {
  type DiskIdentity,
  describeDisk,
  findRecorded,
  mebibytes,
  type RecordedDisk,
} from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import { describeRootDiskRule, whyRuleRefuses } from "../hardware/root-disk-rules.ts";
import { isFixed, whyNotStarted } from "../hardware/suitable-disk.ts";
import type { Firmware } from "../machine/record.ts";
import { holds } from "./data-disks.ts";
import type { LayoutProfile } from "./layout-profile.ts";
import type { StoragePolicy } from "./storage-policy.ts";

/** The second disk of a mirrored root. */
export type MirrorDiskChoice =
  | {
      readonly kind: "chosen";
      /** Absent if the layout has no mirror. */
      readonly disk?: Disk;
      /** The second disk of the machine's last birth, if it becomes none now: its system must not start any more. */
      readonly former?: Disk;
    }
  | { readonly kind: "refused"; readonly reason: string };

/** The disks of a machine, and what is known of them. */
export type MirrorDiskInput = {
  readonly profile: LayoutProfile | undefined;
  readonly disks: readonly Disk[];
  readonly rootDisk: Disk;
  readonly firmware: Firmware;
  readonly policy: Pick<StoragePolicy, "minRootDiskMiB">;
  /** The second disk of the last birth. */
  readonly mirrorDisk: DiskIdentity | undefined;
  /** As of data disks (data-disks.ts). */
  readonly recorded: readonly DiskIdentity[];
  readonly knownDisks?: readonly DiskIdentity[] | undefined;
  readonly mayErase: boolean;
};

/**
 * Chooses the second disk of a mirrored root: fixed, taken by the layout's conditions, one that this firmware can start, and large
 * enough for a root disk; and empty, or of this machine's mirror or data disks, or one whose contents may be erased. Of several, that
 * of the last birth, else the one whose size is nearest to the root disk's.
 */
export function chooseMirrorDisk(input: MirrorDiskInput): MirrorDiskChoice {
  const { profile, disks, rootDisk, mirrorDisk, recorded, knownDisks } = input;
  const find = (each: RecordedDisk) => {
    const search = findRecorded(disks, each, knownDisks);
    return search.kind === "found" && search.disk.path !== rootDisk.path ? [search.disk] : [];
  };
  const [earlier] = mirrorDisk === undefined ? [] : find(mirrorDisk);
  const formerly = (disk: Disk | undefined) =>
    earlier === undefined || earlier.path === disk?.path ? {} : { former: earlier };
  if (profile?.mirror === undefined) return { kind: "chosen", ...formerly(undefined) };
  const ours = new Set(
    [...(earlier === undefined ? [] : [earlier]), ...recorded.flatMap(find)].map(({ path }) => path),
  );
  const others = disks.filter(({ path }) => path !== rootDisk.path);
  const reasons = others.map((disk) => ({ disk, why: whyNotMirror(disk, { ...input, ours }) }));
  const [best] = reasons
    .filter(({ why }) => why === undefined)
    .map(({ disk }) => disk)
    .sort((one, other) => byFitness(one, other, { rootDisk, earlier }));
  if (best !== undefined) return { kind: "chosen", disk: best, ...formerly(best) };
  return { kind: "refused", reason: noDisk(profile, reasons) };
}

/** What fits into a reason on the record. */
const mostReasons = 20;

function noDisk(
  { name, mirror }: LayoutProfile,
  reasons: readonly { readonly disk: Disk; readonly why: string | undefined }[],
): string {
  const rule = mirror === undefined ? "" : describeRootDiskRule(mirror.disks);
  const named = reasons.slice(0, mostReasons).map(({ disk, why }) => `${disk.path} (${describeDisk(disk)}): ${why}`);
  const more = reasons.length - mostReasons;
  const found = reasons.length === 0 ? "no other disk" : named.join("; ");
  return `layout ${name}: expected a second disk for the root's mirror (${rule}), found ${found}${more > 0 ? `; and ${counted(more, "other disk")}` : ""}`;
}

function whyNotMirror(disk: Disk, given: MirrorDiskInput & { readonly ours: ReadonlySet<string> }): string | undefined {
  const { profile, rootDisk, firmware, policy, ours, knownDisks, mayErase } = given;
  if (!isFixed(disk)) return "does not stay in the machine, or is not its own";
  const refusal = profile?.mirror === undefined ? undefined : whyRuleRefuses(profile.mirror.disks, disk);
  if (refusal !== undefined) return refusal;
  const notStarted = whyNotStarted(disk, { firmware });
  if (notStarted !== undefined) return notStarted;
  const [sector, expected] = [disk, rootDisk].map(({ sectorBytes = 512 }) => sectorBytes);
  if (sector !== expected) return `expected sectors of ${expected} bytes as those of the root disk, found ${sector}`;
  const size = mebibytes(disk.sizeBytes);
  if (size < policy.minRootDiskMiB) return `expected ${policy.minRootDiskMiB} MiB, found ${size} MiB`;
  // Of a first birth the server has seen what the disks hold, and held it until an operator allowed to erase that.
  if (mayErase || knownDisks === undefined || ours.has(disk.path) || disk.contents?.length === 0) return undefined;
  return `holds ${holds(disk)}`;
}

function byFitness(
  one: Disk,
  other: Disk,
  { rootDisk, earlier }: { readonly rootDisk: Disk; readonly earlier: Disk | undefined },
): number {
  const isEarlier = ({ path }: Disk) => Number(path === earlier?.path);
  const distance = ({ sizeBytes, rotational }: Disk) => [
    Number(rotational !== rootDisk.rotational),
    Math.abs(sizeBytes - rootDisk.sizeBytes),
  ];
  const [[kind = 0, size = 0], [otherKind = 0, otherSize = 0]] = [distance(one), distance(other)];
  const name = ({ wwn, serial, path }: Disk) => [wwn, serial, path].join("\0");
  return (
    isEarlier(other) - isEarlier(one) ||
    kind - otherKind ||
    size - otherSize ||
    (name(one) < name(other) ? -1 : Number(name(one) > name(other)))
  );
}

/**
 * The disk of a mirrored root that stands for the root disk on record: that one, or its mirror if only the mirror is still there.
 */
export function recordedRoot(
  disks: readonly Disk[],
  {
    rootDisk,
    mirrorDisk,
    knownDisks,
  }: {
    readonly rootDisk?: RecordedDisk;
    readonly mirrorDisk?: DiskIdentity;
    readonly knownDisks?: readonly DiskIdentity[];
  },
): RecordedDisk | undefined {
  if (rootDisk === undefined || mirrorDisk === undefined) return rootDisk;
  const isThere = (each: RecordedDisk) => findRecorded(disks, each, knownDisks).kind === "found";
  return !isThere(rootDisk) && isThere(mirrorDisk) ? mirrorDisk : rootDisk;
}
