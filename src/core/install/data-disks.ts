import { counted } from "../bytes/counted.ts";
import { foreignContents } from "../hardware/disk-contents.ts";
import { type DiskIdentity, describeDisk, findRecorded } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import { describeRootDiskRule, whyRuleRefuses } from "../hardware/root-disk-rules.ts";
import { isFixed } from "../hardware/suitable-disk.ts";
import { type DataDiskRule, diskNumberField, type LayoutProfile, mostDataDisks, takesOne } from "./layout-profile.ts";

/** A disk that becomes a data volume. */
export type DataDisk = {
  readonly disk: Disk;
  /** `data1`, `data2`, … */
  readonly name: string;
  readonly rule: DataDiskRule;
  readonly mountPoint?: string;
};

export type DataDiskChoice =
  | {
      readonly kind: "chosen";
      readonly data: readonly DataDisk[];
      /** Data disks of the machine's last birth that this profile leaves alone: what opened them is destroyed all the same. */
      readonly former: readonly Disk[];
    }
  | { readonly kind: "refused"; readonly reason: string };

/** The disks of a machine, and what is known of them. */
export type DataDiskInput = {
  readonly profile: LayoutProfile | undefined;
  readonly disks: readonly Disk[];
  readonly rootDisk: Disk;
  /** The second disk of a mirrored root. */
  readonly mirrorDisk?: Disk | undefined;
  /** The data disks that earlier births of this machine made, and those that a running one has begun to erase. */
  readonly recorded: readonly DiskIdentity[];
  /** All disks of the machine at its last birth; absent if there was none: the server has looked at what they hold. */
  readonly knownDisks?: readonly DiskIdentity[] | undefined;
  /** An operator allows this birth to erase what the disks hold. */
  readonly mayErase: boolean;
};

/**
 * Chooses the data disks of a machine. Each is fixed, not the root disk, and taken by a rule; and it is empty, or a data disk
 * that an earlier birth of this machine made, or what it holds may be erased. Any other disk that a rule takes refuses
 * the birth: leaving it out would give a machine with less storage than its profile says.
 */
export function chooseDataDisks(input: DataDiskInput): DataDiskChoice {
  const { profile, disks, rootDisk, mirrorDisk, recorded, knownDisks } = input;
  const isOfRoot = ({ path }: Disk) => path === rootDisk.path || path === mirrorDisk?.path;
  const ours = new Set(
    recorded.flatMap((each) => {
      const search = findRecorded(disks, each, knownDisks);
      return search.kind === "found" && !isOfRoot(search.disk) ? [search.disk.path] : [];
    }),
  );
  const others = disks.filter((disk) => isFixed(disk) && !isOfRoot(disk)).sort(byIdentity);
  const data: DataDisk[] = [];
  const counts = new Map<DataDiskRule, number>();
  for (const disk of others) {
    const rule = profile?.data.find((each) => takes(each, disk, counts.get(each) ?? 0));
    if (rule === undefined) continue;
    const number = (counts.get(rule) ?? 0) + 1;
    counts.set(rule, number);
    const { mountPoint } = rule;
    const at = mountPoint === undefined ? {} : { mountPoint: mountPoint.replace(diskNumberField, String(number)) };
    data.push({ disk, name: `data${data.length + 1}`, rule, ...at });
  }
  const reason = profile && whyRefused(profile, { ...input, data, counts, ours });
  if (reason !== undefined) return { kind: "refused", reason: `layout ${profile?.name}: ${reason}` };
  const former = others.filter(({ path }) => ours.has(path) && !data.some(({ disk }) => disk.path === path));
  return { kind: "chosen", data, former };
}

function takes(rule: DataDiskRule, disk: Disk, taken: number): boolean {
  return (taken === 0 || !takesOne(rule)) && whyRuleRefuses(rule.disks, disk) === undefined;
}

function whyRefused(
  profile: LayoutProfile,
  chosen: DataDiskInput & {
    readonly data: readonly DataDisk[];
    readonly counts: ReadonlyMap<DataDiskRule, number>;
    readonly ours: ReadonlySet<string>;
  },
): string | undefined {
  const { data, counts, ours, knownDisks, mayErase } = chosen;
  for (const [index, rule] of profile.data.entries()) {
    const found = counts.get(rule) ?? 0;
    if (found < rule.least)
      return `expected ${counted(rule.least, "disk")} for rule ${index + 1} of its data disks (${describeRootDiskRule(rule.disks)}), found ${found}`;
  }
  if (data.length > mostDataDisks) return `expected ${mostDataDisks} data disks at most, found ${data.length}`;
  // Of a first birth the server has seen what the disks hold, and held it until an operator allowed to erase that.
  if (mayErase || knownDisks === undefined) return undefined;
  const full = data.filter(({ disk }) => !ours.has(disk.path) && disk.contents?.length !== 0);
  if (full.length === 0) return undefined;
  const named = full.map(({ disk }) => `${disk.path} (${describeDisk(disk)}) holds ${holds(disk)}`);
  return `expected empty disks, or data disks of this machine, found others: ${named.join("; ")}; erase them or exclude them from the layout's rules`;
}

/** What a disk that is not empty holds, in words. */
export function holds({ contents }: Disk): string {
  if (contents === undefined) return "what was not read";
  return foreignContents(contents).join(", ") || "data of unknown kind";
}

/** The same order at every boot, unlike that of `/dev` names, so that mount points stay with their disks. */
function byIdentity(left: Disk, right: Disk): number {
  return compare(left.wwn, right.wwn) || compare(left.serial, right.serial) || compare(left.path, right.path);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
