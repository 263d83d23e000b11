/**
 * A rule that chooses the required image. Rules are tried in order; the first whose every condition holds wins.
 * A rule without conditions always holds. Sizes are in the unit their name ends with.
 */
export type ImageRule = {
  readonly image: string;
  readonly when?: {
    readonly burnIn?: "passed" | "failed";
    readonly minCpus?: number;
    readonly minMemoryMiB?: number;
    readonly minStorageGiB?: number;
    readonly minDisks?: number;
    readonly firmware?: "bios" | "uefi";
    /** Regular expression over the SMBIOS product name. */
    readonly product?: string;
  };
};
