import type { BurnInReport } from "../hardware/hardware.ts";
import type { MachineArchitecture } from "../machine/architecture.ts";

/** What a rule can ask of the burn-in: `suspect` is passed, with figures far below those of the machine's siblings. */
export const burnInWishes = ["passed", "failed", "suspect"] as const;
/** How a burn-in ended, for the rules. */
export type BurnInOutcome = BurnInReport["verdict"] | "suspect";

/**
 * A rule that chooses the required image. Rules are tried in order; the first rule whose conditions all hold wins.
 * A rule without conditions matches every machine.
 */
export type ImageRule = {
  readonly image: string;
  /** The layout profile of the machines; without it, one root fills the root disk. */
  readonly layout?: string;
  readonly when: {
    readonly burnIn?: (typeof burnInWishes)[number];
    readonly minCpus?: number;
    readonly minMemoryMiB?: number;
    readonly minStorageGiB?: number;
    readonly minDisks?: number;
    readonly firmware?: "bios" | "uefi";
    readonly architecture?: MachineArchitecture;
    /** Regular expression over the SMBIOS product name. */
    readonly product?: string;
  };
};
