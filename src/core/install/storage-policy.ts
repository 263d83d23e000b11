/** What the configuration says of storage. */
export type StoragePolicy = {
  /** Go on unencrypted where the machine has nowhere to keep a key. */
  readonly allowUnencrypted: boolean;
  readonly minRootDiskMiB: number;
  readonly espMiB: number;
  readonly bootMiB: number;
};

/** Where this machine can keep a key; `none` says why there is no place. */
export type KeyLocation = { readonly kind: "uefi-variable" } | { readonly kind: "none"; readonly reason: string };
