/** The storage settings of the configuration. */
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
