import { type DiskIdentity, describeDisk } from "../../hardware/disk-identity.ts";
import type { SanitizeWish } from "../erase-wish.ts";
import type { DeviceKind } from "./device-erase.ts";
import type { EraseOffer } from "./erase-way.ts";

/**
 * A disk that is to erase itself, what it offers, and what became of an earlier attempt: its erasing was still running at this start,
 * or has failed. After a failure a disk can be neither read nor written before it has erased itself.
 */
export type DeviceJob = {
  readonly disk: DiskIdentity;
  readonly device: DeviceKind;
  readonly offer: EraseOffer;
  readonly earlier?: "running" | "failed";
};

/** Why a clean stops before it writes anything: an operator requires what a disk declines. Undefined if it goes on. */
export function whyDeclined(jobs: readonly DeviceJob[], wish: SanitizeWish): string | undefined {
  const reasons = jobs.flatMap(({ disk, offer }) =>
    offer.kind === "declined" ? [`${disk.path} (${describeDisk(disk)}): ${offer.reason}`] : [],
  );
  if (wish !== "require" || reasons.length === 0) return undefined;
  const next = "to destroy the keys of such disks only: birther clean NAME --restart --sanitize where-offered";
  return `expected every disk to erase itself, found that these do not: ${reasons.join("; ")}. Nothing was written; ${next}`;
}
