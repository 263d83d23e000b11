import { counted } from "../bytes/counted.ts";
import type { StoragePolicy } from "../install/storage-policy.ts";
import type { Firmware } from "../machine/record.ts";
import type { OrderAction } from "../machine/state.ts";
import { firstBiosDrive } from "./bios-drives.ts";
import {
  type DiskIdentity,
  describeDisk,
  findRecorded,
  isRecognisable,
  isSameDisk,
  mebibytes,
  type RecordedDisk,
} from "./disk-identity.ts";
import type { Disk } from "./hardware.ts";
import { describeRootDiskRule, type RootDiskRule, whyRuleRefuses } from "./root-disk-rules.ts";
import { isFixed, whyNotFixed, whyNotStarted } from "./suitable-disk.ts";

export type RootDiskChoice =
  | { readonly kind: "chosen"; readonly disk: Disk; readonly why: string }
  | { readonly kind: "refused"; readonly reason: string };

/** The record of earlier births, and what an operator and the site's rules allow. */
export type RootDiskHistory = {
  /** The root disk of the last birth. */
  readonly recorded?: RecordedDisk | undefined;
  /** All disks of the machine at its last birth. If absent, every disk counts as present then, so it may hold data. */
  readonly knownDisks?: readonly DiskIdentity[] | undefined;
  /** An operator allows another root disk: the one that this serial number, WWN or path selects, or any. */
  readonly allowedDisk?: { readonly selector?: string | undefined } | undefined;
  /** The firmware that has to start the disk. */
  readonly firmware?: Firmware;
  /** The site's rules for a disk that is chosen anew, tried in order. */
  readonly rules?: readonly RootDiskRule[] | undefined;
  /** What the disk is chosen for; an operator allows a birth another disk in another way than a rebirth. */
  readonly action?: OrderAction;
};

/** The minimum size for a Debian root file system with a kernel. */
const leastRootMiB = 512;

/**
 * Chooses the disk that the system goes to. A machine that was born before keeps its root disk, whatever the rules say
 * today: the others may hold data. Where that disk is missing, a disk that is new in the machine and empty replaces it, and
 * any other one only with an operator's permission. A first birth takes a fixed disk that is large enough and that the firmware can start:
 * the first rule of `rules` that takes one decides (without rules, any will do), then solid state before rotating, on BIOS then the one that the firmware starts first, then the smallest, so that large disks stay free for data; ties by WWN and serial, which unlike `/dev` names are the
 * same at every boot.
 */
export function chooseRootDisk(
  disks: readonly Disk[],
  policy: Pick<StoragePolicy, "minRootDiskMiB" | "espMiB" | "bootMiB">,
  history: RootDiskHistory = {},
): RootDiskChoice {
  const neededMiB = Math.max(policy.minRootDiskMiB, policy.espMiB + policy.bootMiB + leastRootMiB);
  const { recorded, knownDisks, allowedDisk } = history;
  const need: Need = { neededMiB, firmware: history.firmware, rules: history.rules ?? [] };
  // An operator's word for one machine comes before the rules for all.
  if (allowedDisk?.selector !== undefined) return chooseSelected(disks, allowedDisk.selector, { ...need, rules: [] });
  if (recorded === undefined || !isRecognisable(recorded)) return chooseAnew(disks, need);
  const search = findRecorded(disks, recorded, knownDisks);
  switch (search.kind) {
    case "found":
      return keepRecorded(search.disk, recorded, need);
    case "ambiguous": {
      const change = whatChanged(search.disks.length, search.alikeThen);
      const unknown = `the root disk on record (${describeDisk(recorded)}) cannot be distinguished from others: ${search.disks.map(named).join("; ")}${change}`;
      if (allowedDisk === undefined) return refused(`${unknown}; ${howToAllow(history)}`);
      return because(`${unknown}; an operator allowed any`, chooseAnew(disks, need));
    }
    case "missing":
      return replaceMissing(disks, { ...history, recorded }, need);
  }
}

function whatChanged(now: number, then: number): string {
  return now === then ? "" : ` (${counted(now, "disk")} like it, ${then} at its last birth)`;
}

/**
 * Why the kernel no longer shows the chosen disk at `path`; undefined if it does. The kernel reassigns names such as
 * `/dev/sda` when a controller resets or a disk comes back.
 */
export function otherDiskReason(chosen: DiskIdentity, now: readonly Disk[]): string | undefined {
  const found = now.find((disk) => disk.path === chosen.path);
  if (found === undefined) return `${chosen.path} (${describeDisk(chosen)}) is gone`;
  const same = found.serial === chosen.serial && found.wwn === chosen.wwn && found.sizeBytes === chosen.sizeBytes;
  return same
    ? undefined
    : `${chosen.path} is now another disk: expected ${describeDisk(chosen)}, found ${describeDisk(found)}`;
}

function howToAllow({ action }: RootDiskHistory): string {
  return action === "birth"
    ? "to let the birth choose another disk and erase it: birther release NAME --wipe"
    : "to allow another disk and erase it: birther rebirth NAME --new-root-disk SERIAL or PATH";
}

/** What a root disk must have. */
type Need = {
  readonly neededMiB: number;
  readonly firmware: Firmware | undefined;
  readonly rules: readonly RootDiskRule[];
};

function keepRecorded(disk: Disk, recorded: RecordedDisk, need: Need): RootDiskChoice {
  const { neededMiB } = need;
  const onRecord = `the root disk on record (${describeDisk(recorded)})`;
  const notStarted = whyNotStarted(disk, need);
  if (notStarted !== undefined) return refused(`${onRecord}: ${notStarted}`);
  if (mebibytes(disk.sizeBytes) < neededMiB)
    return refused(
      `${onRecord}, ${disk.path}, is too small: expected ${neededMiB} MiB, found ${mebibytes(disk.sizeBytes)} MiB`,
    );
  return { kind: "chosen", disk, why: onRecord };
}

function replaceMissing(
  disks: readonly Disk[],
  history: RootDiskHistory & { readonly recorded: RecordedDisk },
  need: Need,
): RootDiskChoice {
  const { recorded, knownDisks, allowedDisk } = history;
  const gone = `the root disk on record (${describeDisk(recorded)}) is missing`;
  const fixed = disks.filter(isFixed);
  const isNew = (disk: Disk) => knownDisks !== undefined && !knownDisks.some((known) => isSameDisk(known, disk));
  const replacements = fixed.filter((disk) => isNew(disk) && isEmpty(disk));
  if (replacements.some((disk) => mebibytes(disk.sizeBytes) >= need.neededMiB))
    return because(`${gone}; this disk is new in the machine and empty`, chooseAnew(replacements, need));
  if (allowedDisk !== undefined) return because(`${gone}; an operator allowed another disk`, chooseAnew(disks, need));
  if (fixed.length === 0) return refused(`${gone}, and the machine has no other disk`);
  const others = fixed.map((disk) => `${named(disk)}: ${whyNotTaken(disk, isNew(disk))}`);
  return refused(`${gone}. Not taken in its place: ${others.join("; ")}; ${howToAllow(history)}`);
}

function whyNotTaken(disk: Disk, isNew: boolean): string {
  if (!isNew) return "was in this machine before and may hold data";
  if (disk.contents === undefined) return "its contents were not read";
  return isEmpty(disk) ? "too small" : `holds ${disk.contents.join(", ")}`;
}

/** Whether the disk was read and nothing was found on it. */
function isEmpty({ contents }: Disk): boolean {
  return contents?.length === 0;
}

function chooseSelected(disks: readonly Disk[], selector: string, need: Need): RootDiskChoice {
  const wanted = selector.toLowerCase();
  const found = disks.filter(({ path, serial, wwn }) =>
    [path, serial, wwn].some((name) => name.toLowerCase() === wanted),
  );
  const [disk, ...others] = found;
  const allowed = `the operator's choice ${selector}`;
  if (disk === undefined)
    return refused(`${allowed}: expected one disk, found none among ${disks.map(named).join("; ") || "no disks"}`);
  if (others.length > 0) return refused(`${allowed}: expected one disk, found ${found.map(named).join("; ")}`);
  const notFixed = whyNotFixed(disk);
  if (notFixed !== undefined) return refused(`${allowed}: ${disk.path} is ${notFixed}`);
  return because(allowed, chooseAnew([disk], need));
}

function chooseAnew(disks: readonly Disk[], need: Need): RootDiskChoice {
  const { neededMiB, rules } = need;
  const fixed = disks.filter(isFixed);
  if (fixed.length === 0) {
    const others = disks.length === 0 ? "" : `, found ${passedOver(disks, need)}`;
    return refused(`no disk found: expected a fixed disk${others}`);
  }
  const startable = fixed.filter((disk) => whyNotStarted(disk, need) === undefined);
  if (startable.length === 0) return refused(fixed.map((disk) => whyNotStarted(disk, need)).join("; "));
  const large = startable.filter((disk) => mebibytes(disk.sizeBytes) >= neededMiB);
  if (large.length === 0) {
    const sizes = startable.map((disk) => `${disk.path} ${mebibytes(disk.sizeBytes)} MiB`).join(", ");
    return refused(`no disk is large enough: expected ${neededMiB} MiB, found ${sizes}`);
  }
  if (rules.length === 0) return fittest(large, need);
  for (const [index, rule] of rules.entries()) {
    const taken = large.filter((disk) => whyRuleRefuses(rule, disk) === undefined);
    if (taken.length === 0) continue;
    return because(`root disk rule ${index + 1}: ${describeRootDiskRule(rule)}`, fittest(taken, need));
  }
  const count = rules.length === 1 ? "the rule" : `none of the ${rules.length} rules`;
  const takes = rules.length === 1 ? "takes no disk" : "takes a disk";
  return refused(`${count} of storage.rootDisk ${takes}: ${passedOver(disks, need)}`);
}

/** The best of one or more suitable disks. */
function fittest(suitable: readonly Disk[], { neededMiB }: Need): RootDiskChoice {
  const [best, ...rest] = [...suitable].sort(byFitness);
  if (best === undefined) throw new Error("expected a suitable disk, found none");
  const sort = best.rotational ? "rotating" : "solid state";
  const isFirst = best.biosDrive === firstBiosDrive && rest.some(({ sizeBytes }) => sizeBytes < best.sizeBytes);
  const among =
    rest.length === 0
      ? "the only suitable disk"
      : `the ${isFirst ? "firmware's first" : "smallest"} ${sort} disk of ${suitable.length} suitable ones`;
  return { kind: "chosen", disk: best, why: `${among}: ${mebibytes(best.sizeBytes)} MiB, ${neededMiB} MiB needed` };
}

/** What fits into a reason on the record (4096 characters). */
const mostReasons = 20;

/** Disks with why each is not taken; those with the same reason together, because a machine may have a hundred. */
function passedOver(disks: readonly Disk[], need: Need): string {
  const byReason = new Map<string, string[]>();
  for (const disk of disks) {
    const reason = whyPassedOver(disk, need);
    byReason.set(reason, [...(byReason.get(reason) ?? []), disk.path]);
  }
  const named = [...byReason].map(([reason, paths]) => `${paths.join(", ")} (${reason})`);
  const more = named.length - mostReasons;
  return [...named.slice(0, mostReasons), ...(more > 0 ? [`and ${more} other reasons`] : [])].join("; ");
}

function whyPassedOver(disk: Disk, need: Need): string {
  const size = mebibytes(disk.sizeBytes);
  const unsuitable =
    whyNotFixed(disk) ??
    whyNotStarted(disk, need) ??
    (size < need.neededMiB ? `expected ${need.neededMiB} MiB, found ${size} MiB` : undefined);
  if (unsuitable !== undefined) return unsuitable;
  return need.rules.map((rule, index) => `rule ${index + 1} ${whyRuleRefuses(rule, disk) ?? "takes it"}`).join(", ");
}

function because(reason: string, choice: RootDiskChoice): RootDiskChoice {
  return choice.kind === "chosen"
    ? { ...choice, why: `${reason}; ${choice.why}` }
    : { ...choice, reason: `${reason}; ${choice.reason}` };
}

function refused(reason: string): RootDiskChoice {
  return { kind: "refused", reason };
}

function named(disk: Disk): string {
  return `${disk.path} (${describeDisk(disk)})`;
}

function byFitness(left: Disk, right: Disk): number {
  return (
    Number(left.rotational) - Number(right.rotational) ||
    Number(right.biosDrive === firstBiosDrive) - Number(left.biosDrive === firstBiosDrive) ||
    left.sizeBytes - right.sizeBytes ||
    compareText(left.wwn, right.wwn) ||
    compareText(left.serial, right.serial) ||
    compareText(left.path, right.path)
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
