import type { BurnInResult, Disk } from "../hardware/hardware.ts";
import { isFixed } from "../hardware/suitable-disk.ts";
import type { BurnInAmounts } from "./profile.ts";

/** One test: its subject, its amount (in the unit of its kind), and the time limit after which the machine is reset. */
export type BurnInTest = {
  readonly test: BurnInResult["test"];
  /** The subject, as the report names it. */
  readonly subject: string;
  readonly deadlineSeconds: number;
} & (
  | { readonly kind: "compute"; readonly seconds: number }
  /** Fills, compares and fills again; ends after `seconds`, if that is not 0. */
  | { readonly kind: "fillMemory"; readonly mebibytes: number; readonly rounds: number; readonly seconds: number }
  /** Writes, reads, compares, and restores the previous content. */
  | ({ readonly kind: "writeDisk" } & DiskAmount)
  /** Only reads, because only the root disk may be written to. */
  | ({ readonly kind: "readDisk" } & DiskAmount)
  | { readonly kind: "fetch"; readonly mebibytes: number; readonly seconds: number }
);

/** What is tested of a disk: an amount, and the limit of its time. */
type DiskAmount = { readonly disk: Disk; readonly mebibytes: number; readonly seconds: number };

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
/** In each round two patterns, each written and read. */
const memoryPasses = 4;
/** Longest time limit of the memory test; of a larger memory only a part is tested. */
const mostMemorySeconds = 4 * 3600;
/** Time for a disk to write and read back a mebibyte, and for the network to fetch one; slower devices are useless. */
export const slowestSecondsPerMiB = 2;
/** Without a limit of time: enough to detect a slow or unreadable disk, and still short with two dozen disks. */
const mostReadMiB = 256;

/** Whether a test writes to a disk, and so may run only once the MDB has accepted the machine's slot. */
export function writes(test: BurnInTest): boolean {
  return test.kind === "writeDisk";
}

/** The tests of a profile on this machine in their order; tests that write to a disk come last. */
export function planBurnIn(profile: BurnInAmounts, site: BurnInSite): readonly BurnInTest[] {
  const { rootDisk, cpus } = site;
  const tests: readonly (BurnInTest & { readonly amount: number })[] = [
    {
      ...{ kind: "compute", test: "cpu", subject: `${cpus} CPUs`, amount: profile.cpuSeconds },
      seconds: profile.cpuSeconds,
      deadlineSeconds: spareSeconds + profile.cpuSeconds,
    },
    memoryTest(profile, site),
    ...readTests(profile, site),
    {
      ...{ kind: "fetch", test: "network", subject: site.server, amount: profile.networkMiB },
      ...transfer(profile.networkMiB, profile.networkSeconds),
    },
    {
      ...{ kind: "writeDisk", test: "disk", subject: rootDisk.path, disk: rootDisk, amount: profile.diskMiB },
      ...transfer(profile.diskMiB, (profile.diskSeconds ?? 0) / 2),
    },
  ];
  return tests.flatMap(({ amount, ...test }) => (amount === 0 ? [] : [test]));
}

function memoryTest({ memoryPercent, memoryRounds = 1, memorySeconds = 0 }: BurnInAmounts, site: BurnInSite) {
  const memoryMiBps = slowestMemoryMiBpsPerCpu * Math.min(Math.max(site.cpus, 1), mostMemoryCpus);
  const most = (mostMemorySeconds * memoryMiBps) / (memoryPasses * memoryRounds);
  const share = (site.availableMiB * memoryPercent) / 100;
  const memoryMiB = Math.floor(memorySeconds === 0 ? Math.min(share, most) : share);
  // A limit of time is kept by measuring, which an emulated or busy machine may get wrong by half.
  const seconds =
    memorySeconds === 0 ? Math.ceil((memoryMiB * memoryPasses * memoryRounds) / memoryMiBps) : 2 * memorySeconds;
  return {
    ...({ kind: "fillMemory", test: "memory", subject: `${memoryMiB} MiB`, amount: memoryMiB } as const),
    ...{ mebibytes: memoryMiB, rounds: memoryRounds, seconds: memorySeconds, deadlineSeconds: spareSeconds + seconds },
  };
}

function readTests({ diskMiB, diskSeconds = 0 }: BurnInAmounts, { disks, rootDisk }: BurnInSite) {
  const others = disks.filter((disk) => isFixed(disk) && disk.path !== rootDisk.path);
  const readMiB = diskSeconds === 0 ? Math.min(diskMiB, mostReadMiB) : diskMiB;
  return others.map((disk) => ({
    ...({ kind: "readDisk", test: "diskRead", subject: disk.path, disk, amount: readMiB } as const),
    ...transfer(readMiB, diskSeconds / 2 / others.length),
  }));
}

/** A transfer of so much within the limit, and at the least speed of all. */
function transfer(mebibytes: number, limitSeconds = 0) {
  const most = mebibytes * slowestSecondsPerMiB;
  const seconds = limitSeconds === 0 ? most : Math.min(limitSeconds, most);
  return { mebibytes, seconds, deadlineSeconds: spareSeconds + Math.ceil(seconds) };
}
