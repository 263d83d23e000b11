/** The storage settings of the configuration. */
export type StoragePolicy = {
  /** Install without encryption if the machine cannot keep a key. */
  readonly allowUnencrypted: boolean;
  readonly minRootDiskMiB: number;
  readonly espMiB: number;
  readonly bootMiB: number;
};

/** Where this machine can keep a disk key, or why it cannot. */
export type KeyLocation = { readonly kind: "uefi-variable" } | { readonly kind: "none"; readonly reason: string };
