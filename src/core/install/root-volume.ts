import { rootArrayName, rootMapperName } from "./paths.ts";

/** Where the key of an encrypted root is: in a variable of the firmware, or in an index of the TPM. */
export type RootEncryption =
  | {
      readonly keyVariable: string;
      /** The agent seals the key to boots of the loader with this Authenticode hash, SHA-256 in hex. */
      readonly seal?: { readonly loaderSha256: string };
      readonly tpmIndex?: undefined;
    }
  | { readonly tpmIndex: number; readonly keyVariable?: undefined; readonly seal?: undefined };

/** How the booted machine finds and opens its root. */
export type RootVolume =
  | ({ readonly kind: "luks2"; readonly partUuid: string } & Exclude<RootEncryption, { readonly tpmIndex: number }>)
  /** The same with the key in the TPM; an agent of an earlier version must not write an initrd that looks for a variable. */
  | { readonly kind: "luks2-tpm"; readonly partUuid: string; readonly tpmIndex: number }
  | { readonly kind: "plain"; readonly partUuid: string }
  /** On an array of partitions of two disks, the root disk's first; an agent of an earlier version must not take it for a partition. */
  | { readonly kind: "mirror"; readonly members: readonly string[]; readonly luks2?: RootEncryption };

/** How the root is opened; undefined if it is not encrypted. */
export function encryptionOf(root: RootVolume): RootEncryption | undefined {
  switch (root.kind) {
    case "luks2":
    case "luks2-tpm":
      return root;
    case "plain":
      return undefined;
    case "mirror":
      return root.luks2;
  }
}

/** Whether the second initrd needs our own program for the key: it talks to the TPM. */
export function needsProgram({ seal, tpmIndex }: RootEncryption): boolean {
  return seal !== undefined || tpmIndex !== undefined;
}

/** The device of an opened root, as fstab names it. */
export function rootSourceOf(root: RootVolume): string {
  if (encryptionOf(root) !== undefined) return `/dev/mapper/${rootMapperName}`;
  return root.kind === "plain" ? `PARTUUID=${root.partUuid}` : `/dev/${rootArrayName}`;
}
