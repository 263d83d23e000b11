import type { BurnInResult, Disk } from "../hardware/hardware.ts";
import { isFixed } from "../hardware/suitable-disk.ts";

/** The amount and duration of each test; 0 omits a test. */
export type BurnInAmounts = {
  readonly cpuSeconds: number;
  /** Percentage of the free memory. */
  readonly memoryPercent: number;
  readonly diskMiB: number;
  readonly networkMiB: number;
};

/** One test: its subject, its amount (in the unit of its kind), and the time limit after which the machine is reset. */
export type BurnInTest = {
  readonly test: BurnInResult["test"];
  /** The subject, as the report names it. */
  readonly subject: string;
  readonly deadlineSeconds: number;
} & (
  | { readonly kind: "compute"; readonly seconds: number }
  | { readonly kind: "fillMemory"; readonly mebibytes: number }
  /** Writes, reads, compares, and restores the previous content. */
  | { readonly kind: "writeDisk"; readonly disk: Disk; readonly mebibytes: number }
  /** Only reads, because only the root disk may be written to. Ends with a fault after `mostSeconds`. */
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

/** Time to start and end any test. */
const spareSeconds = 120;
/** A CPU fills and compares memory at gigabytes per second; under emulation on a busy host, at this many mebibytes. */
const slowestMemoryMiBpsPerCpu = 100;
/** Further CPUs compete for the same memory. */
const mostMemoryCpus = 32;
/** Two patterns, each written and read. */
const memoryPasses = 4;
/** Longest time limit of the memory test; of a larger memory only a part is tested. */
const mostMemorySeconds = 4 * 3600;
/** Time for a disk to write and read back a mebibyte, and for the network to fetch one; slower devices are useless. */
const slowestSecondsPerMiB = 2;
/** Enough to detect a slow or unreadable disk, and still short with two dozen disks. */
const mostReadMiB = 256;

/** Whether a test writes to a disk, and so may run only once the MDB has accepted the machine's slot. */
export function writes(test: BurnInTest): boolean {
  return test.kind === "writeDisk";
}

/** The tests of a profile on this machine in their order; tests that write to a disk come last. */
export function planBurnIn(profile: BurnInAmounts, site: BurnInSite): readonly BurnInTest[] {
  const { rootDisk, disks, cpus } = site;
  const memoryMiBps = slowestMemoryMiBpsPerCpu * Math.min(Math.max(cpus, 1), mostMemoryCpus);
  const memoryMiB = Math.floor(
    Math.min((site.availableMiB * profile.memoryPercent) / 100, (mostMemorySeconds * memoryMiBps) / memoryPasses),
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
      ...{ kind: "fetch", test: "network", subject: site.server, amount: profile.networkMiB },
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
