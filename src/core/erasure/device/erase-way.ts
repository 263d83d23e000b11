import { allNamespaces } from "../../hardware/device-commands.ts";

/** A disk that erases itself does not answer other commands for longer. */
export const commandMs = 30_000;

/** How a device erases all of itself. */
export type EraseWay =
  | { readonly kind: "nvmeSanitize"; readonly action: SanitizeAction }
  /** CDW10 keeps the namespace's format; `namespace` is 0xffffffff where one command erases all of them. */
  | { readonly kind: "nvmeFormat"; readonly crypto: boolean; readonly namespace: number; readonly cdw10: number }
  | { readonly kind: "ataSanitize"; readonly action: SanitizeAction }
  /** `minutes` by the disk's own word; undefined if it takes longer than it can say. */
  | { readonly kind: "ataSecurityErase"; readonly enhanced: boolean; readonly minutes: number | undefined }
  | { readonly kind: "scsiSanitize"; readonly action: SanitizeAction };

/** `crypto` replaces the key by which the medium is encrypted; `block` erases the blocks of flash, also those without an address. */
export type SanitizeAction = "crypto" | "block";

/** Whether and how a device erases itself. */
export type EraseOffer =
  | { readonly kind: "offered"; readonly way: EraseWay }
  /** It has no such command, or would not carry it out now, or would erase more than was asked for. */
  | { readonly kind: "declined"; readonly reason: string };

/** What a device says of its erasing. */
export type EraseStatus =
  | { readonly kind: "idle" }
  /** The latest erasure is complete, and nothing was written since. */
  | { readonly kind: "erased" }
  /** 0 to 100, rounded down. */
  | { readonly kind: "running"; readonly percent: number }
  | { readonly kind: "failed"; readonly reason: string };

/** A way in words, for the record. */
export function describeWay(way: EraseWay): string {
  switch (way.kind) {
    case "nvmeSanitize":
      return `NVMe Sanitize, ${actionText[way.action]}, of all namespaces`;
    case "nvmeFormat":
      return `NVMe Format with ${way.crypto ? "cryptographic erase" : "user data erase"} of ${way.namespace === allNamespaces ? "all namespaces" : `namespace ${way.namespace}`}`;
    case "ataSanitize":
      return `ATA SANITIZE DEVICE, ${way.action === "crypto" ? "crypto scramble" : "block erase"}`;
    case "ataSecurityErase":
      return `ATA SECURITY ERASE UNIT, ${way.enhanced ? "enhanced" : "normal"}`;
    case "scsiSanitize":
      return `SCSI SANITIZE, ${actionText[way.action]}`;
  }
}

const actionText: { readonly [A in SanitizeAction]: string } = { crypto: "cryptographic erase", block: "block erase" };

export function declined(reason: string): EraseOffer {
  return { kind: "declined", reason };
}

/** Whole percent of a fraction of 65,536. */
export function percentOf65536(part: number): number {
  return Math.min(100, Math.floor((100 * part) / 65_536));
}
