/** Intensity and duration of the burn-in tests, and their limits. A minimum of 0 checks nothing. */
export type BurnInProfile = {
  readonly cpuSeconds: number;
  /** Share of the memory that is tested, 0 to 90 percent. */
  readonly memoryPercent: number;
  readonly diskMiB: number;
  readonly networkMiB: number;
  readonly minCpuHashesPerSecond: number;
  readonly minMemoryMiBps: number;
  readonly minDiskMiBps: number;
  readonly minNetworkMiBps: number;
};
