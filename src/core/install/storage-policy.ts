import type { RootDiskRule } from "../hardware/root-disk-rules.ts";
import type { LayoutProfile } from "./layout-profile.ts";

/** The storage settings of the configuration; rules and layouts travel in the order beside the rest. */
export type StorageSettings = StoragePolicy & {
  readonly rootDisk: readonly RootDiskRule[];
  readonly layouts: readonly LayoutProfile[];
};

/**
 * Which machines keep the disk key in a TPM 2.0: none; those whose firmware keeps none (BIOS, or UEFI without usable
 * variables); or all whose key is not sealed to the boot path.
 */
export const tpmKeyUses = ["never", "fallback", "prefer"] as const;
export type TpmKeyUse = (typeof tpmKeyUses)[number];

/** How a root disk is partitioned and encrypted. */
export type StoragePolicy = {
  /** Install without encryption if the machine cannot keep a key. */
  readonly allowUnencrypted: boolean;
  readonly minRootDiskMiB: number;
  readonly espMiB: number;
  readonly bootMiB: number;
  /** Seal the disk key to the boot path of a machine whose TPM 2.0 answers at its birth. */
  readonly sealDiskKey: boolean;
  readonly diskKeyInTpm: TpmKeyUse;
};

/** Where this machine can keep a disk key, or why it cannot. */
export type KeyLocation =
  /** `tpmRefused`: why the TPM, which comes first, keeps none. */
  | { readonly kind: "uefi-variable"; readonly tpmRefused?: string }
  | { readonly kind: "tpm" }
  | { readonly kind: "none"; readonly reason: string };

/** Whether a place keeps a key, or why it does not: `a TPM 2.0 …`, `BIOS firmware …`. */
export type KeyOffer = { readonly kind: "keeps" } | { readonly kind: "keepsNone"; readonly reason: string };

/**
 * Where the disk key goes: a variable of the firmware, which the agent may seal later; the TPM where the firmware keeps none, or
 * where it comes first and the key is not to be sealed; else nowhere, with the reasons of both. The TPM is tried only if it counts.
 */
export function keyLocationOf(
  variables: KeyOffer,
  tpm: () => KeyOffer,
  { diskKeyInTpm, sealDiskKey }: Pick<StoragePolicy, "diskKeyInTpm" | "sealDiskKey">,
): KeyLocation {
  const isTpmFirst = diskKeyInTpm === "prefer" && !sealDiskKey;
  if (variables.kind === "keeps" && !isTpmFirst) return { kind: "uefi-variable" };
  const offer = diskKeyInTpm === "never" ? notAllowed : tpm();
  if (offer.kind === "keeps") return { kind: "tpm" };
  if (variables.kind === "keeps") return { kind: "uefi-variable", tpmRefused: offer.reason };
  return { kind: "none", reason: `${variables.reason}; ${offer.reason}` };
}

const notAllowed: KeyOffer = { kind: "keepsNone", reason: "storage.diskKeyInTpm is never" };
