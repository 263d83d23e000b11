import type { BurnInResult, Disk } from "../hardware/hardware.ts";
import { isFixed } from "../hardware/root-disk.ts";

/** How hard and how long to test; an amount of 0 leaves a test out. */
export type BurnInAmounts = {
  readonly cpuSeconds: number;
  /** Of the memory that is free. */
  readonly memoryPercent: number;
  readonly diskMiB: number;
  readonly networkMiB: number;
};

/** One test: on what, how much (in the unit that its kind says), and how long it may take before the machine is reset. */
export type BurnInTest = {
  readonly test: BurnInResult["test"];
  /** Whom it is about, in the report. */
  readonly subject: string;
  readonly deadlineSeconds: number;
} & (
  | { readonly kind: "compute"; readonly seconds: number }
  | { readonly kind: "fillMemory"; readonly mebibytes: number }
  /** Writes, reads, compares and puts back what was there. */
  | { readonly kind: "writeDisk"; readonly disk: Disk; readonly mebibytes: number }
  /** Reads only: nothing but the root disk may be written to. Ends by itself with a fault after `mostSeconds`. */
  | { readonly kind: "readDisk"; readonly disk: Disk; readonly mebibytes: number; readonly mostSeconds: number }
  | { readonly kind: "fetch"; readonly mebibytes: number }
);

/** What the plan depends on besides the profile. */
export type BurnInSite = {
  readonly cpus: number;
  readonly availableMiB: number;
  readonly disks: readonly Disk[];
  readonly rootDisk: Disk;
  /** Dotted quad. */
  readonly server: string;
};

/** Time to start and end a test, whatever it tests. */
const spareSeconds = 120;
/** A CPU fills and compares memory at gigabytes a second, under emulation on a busy host at this many mebibytes. */
const slowestMemoryMiBpsPerCpu = 100;
/** More CPUs wait for the same memory. */
const mostMemoryCpus = 32;
/** Two patterns, each written and read. */
const memoryPasses = 4;
/** A machine that hangs in the memory test is reset after this at the latest: what would take longer is tested in part. */
const mostMemorySeconds = 4 * 3600;
/** A disk writes and reads back, and a network fetches, a mebibyte in this time, or is no use. */
const slowestSecondsPerMiB = 2;
/** Enough to see a disk that is slow or cannot be read, and short with two dozen of them. */
const mostReadMiB = 256;

/** Whether a test writes to a disk, and so may only run once the MDB has accepted the machine's place. */
export function writes(test: BurnInTest): boolean {
  return test.kind === "writeDisk";
}

/** The tests of a profile on this machine, in the order in which they run; those that write come last. */
export function planBurnIn(profile: BurnInAmounts, ground: BurnInSite): readonly BurnInTest[] {
  const { rootDisk, disks, cpus } = ground;
  const memoryMiBps = slowestMemoryMiBpsPerCpu * Math.min(Math.max(cpus, 1), mostMemoryCpus);
  const memoryMiB = Math.floor(
    Math.min((ground.availableMiB * profile.memoryPercent) / 100, (mostMemorySeconds * memoryMiBps) / memoryPasses),
  );
  const readMiB = Math.min(profile.diskMiB, mostReadMiB);
  const tests: readonly (BurnInTest & { readonly amount: number })[] = [
    {
      ...{ kind: "compute", test: "cpu", subject: `${cpus} CPUs`, amount: profile.cpuSeconds },
      seconds: profile.cpuSeconds,
      deadlineSeconds: spareSeconds + profile.cpuSeconds,
    },
    {
      ...{ kind: "fillMemory", test: "memory", subject: `${memoryMiB} MiB`, amount: memoryMiB },
      mebibytes: memoryMiB,
      deadlineSeconds: spareSeconds + Math.ceil((memoryMiB * memoryPasses) / memoryMiBps),
    },
    ...disks
      .filter((disk) => isFixed(disk) && disk.path !== rootDisk.path)
      .map((disk) => ({
        ...({ kind: "readDisk", test: "diskRead", subject: disk.path, disk, amount: readMiB } as const),
        mebibytes: readMiB,
        mostSeconds: readMiB * slowestSecondsPerMiB,
        deadlineSeconds: spareSeconds + readMiB * slowestSecondsPerMiB,
      })),
    {
      ...{ kind: "fetch", test: "network", subject: ground.server, amount: profile.networkMiB },
      mebibytes: profile.networkMiB,
      deadlineSeconds: spareSeconds + profile.networkMiB * slowestSecondsPerMiB,
    },
    {
      ...{ kind: "writeDisk", test: "disk", subject: rootDisk.path, disk: rootDisk, amount: profile.diskMiB },
      mebibytes: profile.diskMiB,
      deadlineSeconds: spareSeconds + profile.diskMiB * slowestSecondsPerMiB,
    },
  ];
  return tests.flatMap(({ amount, ...test }) => (amount === 0 ? [] : [test]));
}
