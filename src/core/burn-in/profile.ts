/** How much the burn-in tests, and for how long. */
export type BurnInAmounts = {
  readonly cpuSeconds: number;
  /** Share of the memory that is tested, 0 to 90 percent. */
  readonly memoryPercent: number;
  /** How often the memory is filled and compared; absent in orders of older servers, as 1. */
  readonly memoryRounds?: number;
  /** Time for all rounds; what does not fit into it is left out. 0 and absent mean no limit. */
  readonly memorySeconds?: number;
  readonly diskMiB: number;
  /** Time for all disks together, half of it for the root disk. 0 and absent mean no limit. */
  readonly diskSeconds?: number;
  readonly networkMiB: number;
  /** 0 and absent mean no limit. */
  readonly networkSeconds?: number;
};

/** Intensity and duration of the burn-in tests, and their limits. A minimum of 0 checks nothing. */
export type BurnInProfile = BurnInAmounts & {
  readonly minCpuHashesPerSecond: number;
  readonly minMemoryMiBps: number;
  readonly minDiskMiBps: number;
  readonly minNetworkMiBps: number;
};

/** The named profiles of the configuration. */
export const burnInProfiles = {
  /** At most 30 s, whatever is in the machine. */
  quick: {
    ...{ cpuSeconds: 5, memoryPercent: 80, memoryRounds: 1, memorySeconds: 8 },
    ...{ diskMiB: 128, diskSeconds: 8, networkMiB: 64, networkSeconds: 4 },
  },
  /** At most 10 min. */
  standard: {
    ...{ cpuSeconds: 180, memoryPercent: 80, memoryRounds: 4, memorySeconds: 240 },
    ...{ diskMiB: 4096, diskSeconds: 120, networkMiB: 256, networkSeconds: 40 },
  },
  /** About four hours. */
  long: {
    ...{ cpuSeconds: 3600, memoryPercent: 90, memoryRounds: 1000, memorySeconds: 7200 },
    ...{ diskMiB: 65_536, diskSeconds: 3600, networkMiB: 4096, networkSeconds: 300 },
  },
} as const satisfies { readonly [name: string]: Required<BurnInAmounts> };

/** Without a profile: about two minutes, and as long as the memory takes. */
export const plainBurnIn: Required<BurnInAmounts> = {
  ...{ cpuSeconds: 60, memoryPercent: 80, memoryRounds: 1, memorySeconds: 0 },
  ...{ diskMiB: 1024, diskSeconds: 0, networkMiB: 256, networkSeconds: 0 },
};

/** The seconds that are set, of the whole burn-in: what a machine takes longer by. Amounts without a limit are not in it. */
export function plannedSeconds(amounts: BurnInAmounts): number {
  const { cpuSeconds, memorySeconds = 0, diskSeconds = 0, networkSeconds = 0 } = amounts;
  return cpuSeconds + memorySeconds + diskSeconds + networkSeconds;
}
