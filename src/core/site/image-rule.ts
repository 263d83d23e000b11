/**
 * A rule that chooses the required image. Rules are tried in order; the first rule whose conditions all hold wins.
 * A rule without conditions matches every machine.
 */
export type ImageRule = {
  readonly image: string;
  readonly when: {
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
