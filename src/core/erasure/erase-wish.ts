import { counted } from "../bytes/counted.ts";
import type { DiskIdentity } from "../hardware/disk-identity.ts";

/**
 * What an operator asks of disks that cannot erase themselves. `require`: the clean fails, by name, before anything is written.
 * `whereOffered`: their keys are destroyed as without it, and the record of the erasure says that the device did not erase them.
 */
export const sanitizeWishes = ["require", "whereOffered"] as const;
export type SanitizeWish = (typeof sanitizeWishes)[number];

/** What a clean erases beside the keys of the root disk. */
export type EraseWish = {
  /** The disks are told to erase themselves. */
  readonly sanitize?: SanitizeWish;
  /** Disks beside the root disk that are erased with it: those of the machine's record when the operator asked. */
  readonly disks?: readonly DiskIdentity[];
};

/** A wish in words. */
export function describeEraseWish({ sanitize, disks = [] }: EraseWish): string {
  const byDevice = { require: "every disk erases itself", whereOffered: "disks that can erase themselves do" };
  return [
    ...(sanitize === undefined ? [] : [byDevice[sanitize]]),
    ...(disks.length === 0 ? [] : [`with the root disk ${counted(disks.length, "other disk")}`]),
  ].join("; ");
}
