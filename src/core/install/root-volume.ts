import { rootArrayName, rootMapperName } from "./paths.ts";

/** How an encrypted root is opened. */
export type RootEncryption = {
  readonly keyVariable: string;
  /** The agent seals the key to boots of the loader with this Authenticode hash, SHA-256 in hex. */
  readonly seal?: { readonly loaderSha256: string };
};

/** How the booted machine finds and opens its root. */
export type RootVolume =
  | ({ readonly kind: "luks2"; readonly partUuid: string } & RootEncryption)
  | { readonly kind: "plain"; readonly partUuid: string }
  /** On an array of partitions of two disks, the root disk's first; an agent of an earlier version must not take it for a partition. */
  | { readonly kind: "mirror"; readonly members: readonly string[]; readonly luks2?: RootEncryption };

/** How the root is opened; undefined if it is not encrypted. */
export function encryptionOf(root: RootVolume): RootEncryption | undefined {
  switch (root.kind) {
    case "luks2":
      return root;
    case "plain":
      return undefined;
    case "mirror":
      return root.luks2;
  }
}

/** The device of an opened root, as fstab names it. */
export function rootSourceOf(root: RootVolume): string {
  if (encryptionOf(root) !== undefined) return `/dev/mapper/${rootMapperName}`;
  return root.kind === "plain" ? `PARTUUID=${root.partUuid}` : `/dev/${rootArrayName}`;
}
