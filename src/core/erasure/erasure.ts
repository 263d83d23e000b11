import { findRecorded } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import type { BirthAction } from "../machine/state.ts";
import type { StorageReport } from "../machine/storage.ts";

/** How data, or what opens it, is destroyed. */
export const erasureMethods = [
  /** Disk keys, plain or sealed by a TPM, were deleted from the firmware's variables, or the one in a TPM from its memory. */
  "keyDestroyed",
  /** LUKS headers with their key slots were overwritten. */
  "headerOverwritten",
  /** The disk was told to forget its blocks (BLKDISCARD: TRIM, UNMAP, Deallocate), which it may do or not. */
  "discarded",
  /** The device erased itself: NVMe Sanitize or Format, ATA and SCSI SANITIZE, ATA SECURITY ERASE UNIT. */
  "nvmeSanitize",
  "nvmeFormat",
  "ataSanitize",
  "ataSecurityErase",
  "scsiSanitize",
  /** The device was asked to erase itself, and has no command for it or declined: this step destroyed nothing. */
  "deviceDeclined",
  /** What a file system, RAID, volume manager or partition table is recognised by was overwritten. */
  "signaturesOverwritten",
] as const;
export type ErasureMethod = (typeof erasureMethods)[number];

/** One method on one disk. Times are milliseconds since 1970, by the machine's clock. */
export type ErasureStep = {
  readonly method: ErasureMethod;
  /** What was destroyed, in words: `1 disk key in UEFI variables`. */
  readonly what: string;
  /** How many keys or headers; 0 for a whole disk. */
  readonly found: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** How it was seen to be gone, or why nobody can say. */
  readonly verification:
    | { readonly kind: "verified"; readonly how: string }
    | { readonly kind: "unverified"; readonly reason: string };
};

/** The disk as an auditor looks for it; empty texts are unknown. */
export type ErasedDisk = Pick<Disk, "path" | "serial" | "wwn" | "model" | "sizeBytes">;

/** What init did to one disk before it made anything new on it. */
export type DiskErasure = { readonly disk: ErasedDisk; readonly steps: readonly ErasureStep[] };

/** Steps of one report at most: each method once. */
export const mostErasureSteps = 2 * erasureMethods.length;

/** What the steps mean for the data that was on the disk. */
export type ErasureOutcome =
  /** The device erased all of itself. */
  | { readonly kind: "sanitized" }
  /** All that was on the root was encrypted, and what opened it is gone. */
  | { readonly kind: "keysDestroyed" }
  /** Data may be readable that no later write has replaced. */
  | { readonly kind: "notErased"; readonly reason: string };

const sanitizing: readonly ErasureMethod[] = [
  "nvmeSanitize",
  "nvmeFormat",
  "ataSanitize",
  "ataSecurityErase",
  "scsiSanitize",
];

/**
 * The outcome of an erasure. `former` is what the record says of the machine's storage before; without it nobody knows
 * whether the data was encrypted.
 */
export function outcomeOf({ disk, steps }: DiskErasure, former: StorageReport | undefined): ErasureOutcome {
  const verified = (methods: readonly ErasureMethod[]) =>
    steps.some(({ method, verification }) => methods.includes(method) && verification.kind === "verified");
  if (verified(sanitizing)) return { kind: "sanitized" };
  const discarded = verified(["discarded"]) ? "; its blocks were discarded, and samples read as zeros" : "";
  if (former === undefined) return notErased(`nothing is known of what the disk held before${discarded}`);
  if (!wasOurs(disk, former))
    return notErased(`it was neither the root disk nor a data disk, and only these were encrypted${discarded}`);
  if (former.encryption.kind === "none")
    return notErased(`it was not encrypted: ${former.encryption.reason}${discarded}`);
  if (!verified(["headerOverwritten"])) return notErased("nobody saw its LUKS headers to be gone");
  return { kind: "keysDestroyed" };
}

/** Whether the last birth made the root or a volume on a disk. */
function wasOurs(disk: ErasedDisk, { rootDisk, mirrorDisk, disks, volumes = [] }: StorageReport): boolean {
  return [rootDisk, ...(mirrorDisk === undefined ? [] : [mirrorDisk]), ...volumes.map((volume) => volume.disk)].some(
    (one) => findRecorded([disk], one, disks).kind === "found",
  );
}

function notErased(reason: string): ErasureOutcome {
  return { kind: "notErased", reason };
}

/** What an outcome means, on one line. */
export function outcomeText(outcome: ErasureOutcome): string {
  switch (outcome.kind) {
    case "sanitized":
      return "erased by the device";
    case "keysDestroyed":
      return "encrypted data, keys destroyed";
    case "notErased":
      return `NOT ERASED: ${outcome.reason}`;
  }
}

/** Whether an erasure is worth a record: of a new machine only if there was something to destroy. */
export function isRecorded({ steps }: DiskErasure, former: StorageReport | undefined): boolean {
  return former !== undefined || steps.some(({ found }) => found > 0);
}

/**
 * What the MDB states about an erasure, as JSON in the order of these keys. Times are ISO 8601, UTC. Texts without
 * control characters: the server has cleaned what it read.
 */
export type ErasureStatement = {
  readonly birtherErasure: 1;
  readonly id: string;
  readonly machine: {
    readonly id: string;
    readonly hostname?: string;
    /** Of its board. */
    readonly serial?: string;
    readonly product?: string;
  };
  readonly action: BirthAction;
  readonly generation: number;
  readonly disk: ErasedDisk;
  readonly outcome: ErasureOutcome;
  readonly steps: readonly (Omit<ErasureStep, "startedAtMs" | "endedAtMs"> & {
    readonly startedAt: string;
    readonly endedAt: string;
  })[];
  /** When the MDB received the report, by its own clock. */
  readonly reportedAt: string;
};
