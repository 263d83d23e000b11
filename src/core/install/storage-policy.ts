import type { RootDiskRule } from "../hardware/root-disk-rules.ts";
import type { LayoutProfile } from "./layout-profile.ts";

/** The storage settings of the configuration; rules and layouts travel in the order beside the rest. */
export type StorageSettings = StoragePolicy & {
  readonly rootDisk: readonly RootDiskRule[];
  readonly layouts: readonly LayoutProfile[];
};

/** How a root disk is partitioned and encrypted. */
export type StoragePolicy = {
  /** Install without encryption if the machine cannot keep a key. */
  readonly allowUnencrypted: boolean;
  readonly minRootDiskMiB: number;
  readonly espMiB: number;
  readonly bootMiB: number;
  /** Seal the disk key to the boot path of a machine whose TPM 2.0 answers at its birth. */
  readonly sealDiskKey: boolean;
};

/** Where this machine can keep a disk key, or why it cannot. */
export type KeyLocation = { readonly kind: "uefi-variable" } | { readonly kind: "none"; readonly reason: string };
