import { readPattern } from "../site/pattern.ts";
import type { Disk } from "./hardware.ts";

/** Buses of fixed disks, as a rule names them. */
export const ruleBuses = ["nvme", "ata", "scsi", "virtio", "mmc", "other"] as const;
/** Transports of fixed disks, as a rule names them; a disk behind a RAID controller has none of them. */
export const ruleTransports = ["pcie", "sata", "sas", "virtio", "mmc"] as const;

/**
 * A rule that chooses the root disk of a first birth: conditions that all hold for a disk. Rules are tried in order; of the disks
 * that the first fitting rule takes, the fittest becomes the root disk. A rule without conditions takes every suitable disk.
 * Texts are regular expressions that match the whole value.
 */
export type RootDiskRule = {
  readonly minSizeGiB?: number;
  readonly maxSizeGiB?: number;
  readonly rotational?: boolean;
  readonly bus?: (typeof ruleBuses)[number];
  readonly transport?: (typeof ruleTransports)[number];
  readonly model?: string;
  readonly serial?: string;
  readonly wwn?: string;
  /** The number by which a BIOS starts the disk, from 128. */
  readonly biosDrive?: number;
  /** Either the kernel's name or the device path of the disk. */
  readonly path?: string;
};

/** One test per condition, the most telling first: what was found instead of the wanted value; undefined if the disk meets it. */
const conditions: {
  readonly [Name in keyof RootDiskRule]-?: (wanted: NonNullable<RootDiskRule[Name]>, disk: Disk) => string | undefined;
} = {
  rotational: (wanted, { rotational }) => (rotational === wanted ? undefined : String(rotational)),
  bus: (wanted, { bus }) => (bus === wanted ? undefined : bus),
  transport: (wanted, { transport }) => (transport === wanted ? undefined : (transport ?? "none")),
  model: (wanted, { model }) => matching(wanted, [model]),
  serial: (wanted, { serial }) => matching(wanted, [serial]),
  wwn: (wanted, { wwn }) => matching(wanted, [wwn]),
  biosDrive: (wanted, { biosDrive }) => (biosDrive === wanted ? undefined : String(biosDrive ?? "none")),
  path: (wanted, { path, devicePath, otherPaths = [] }) =>
    matching(wanted, [path, ...(devicePath === undefined ? [] : [devicePath]), ...otherPaths]),
  minSizeGiB: (wanted, disk) => (gibibytes(disk) >= wanted ? undefined : sizeText(disk)),
  maxSizeGiB: (wanted, disk) => (gibibytes(disk) <= wanted ? undefined : sizeText(disk)),
};

/** The names of all conditions that a rule may have. */
export const rootDiskConditions = Object.keys(conditions) as readonly (keyof RootDiskRule)[];

/** A rule in words: `bus nvme, maxSizeGiB 1000`. */
export function describeRootDiskRule(rule: RootDiskRule): string {
  const named = rootDiskConditions.filter((name) => rule[name] !== undefined);
  return named.map((name) => `${name} ${rule[name]}`).join(", ") || "any disk";
}

/** Why a rule does not take a disk, such as `expected bus nvme, found ata`; undefined if it does. */
export function whyRuleRefuses(rule: RootDiskRule, disk: Disk): string | undefined {
  for (const name of rootDiskConditions) {
    const wanted = rule[name];
    if (wanted === undefined) continue;
    const test = conditions[name] as (wanted: unknown, disk: Disk) => string | undefined;
    const found = test(wanted, disk);
    if (found !== undefined) return `expected ${name} ${wanted}, found ${found}`;
  }
  return undefined;
}

function matching(source: string, values: readonly string[]): string | undefined {
  const pattern = readPattern(source);
  const fits = pattern.kind === "pattern" && values.some((value) => pattern.expression.test(value));
  return fits ? undefined : values.map((value) => value || "nothing").join(" or ");
}

function gibibytes({ sizeBytes }: Disk): number {
  return sizeBytes / 2 ** 30;
}

function sizeText(disk: Disk): string {
  return `${Math.floor(gibibytes(disk) * 10) / 10}`;
}
