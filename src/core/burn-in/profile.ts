/** How hard and how long the burn-in tests, and what counts as failed. A minimum of 0 asks for nothing. */
export type BurnInProfile = {
  readonly cpuSeconds: number;
  /** Part of the memory that is tested, 0 to 90. */
  readonly memoryPercent: number;
  readonly diskMiB: number;
  readonly networkMiB: number;
  readonly minCpuHashesPerSecond: number;
  readonly minMemoryMiBps: number;
  readonly minDiskMiBps: number;
  readonly minNetworkMiBps: number;
};
