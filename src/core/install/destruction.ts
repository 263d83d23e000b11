import { diskKeyBytes } from "../boot-loader/efi-variable.ts";
import type { DeviceJob } from "../erasure/device/device-job.ts";
import type { DiskIdentity } from "../hardware/disk-identity.ts";
import type { Firmware } from "../machine/record.ts";
import { type InstallStepId, type Step, step } from "./step.ts";

/** Which disks are taken, and how they are erased. */
export type Destruction = {
  readonly root: DiskIdentity;
  /** The machine has a TPM 2.0, which may hold a key whatever its firmware is now, and which answered in this boot or not. */
  readonly tpm?: { readonly answers: boolean };
  /** Disks beside the root disk whose data is destroyed with it. */
  readonly others?: readonly DiskIdentity[];
  /** Former data disks: only what opened them is destroyed. */
  readonly headersOnly?: readonly DiskIdentity[];
  /** All of these disks, if an operator wants them to erase themselves. */
  readonly byDevice?: readonly DeviceJob[];
};

/** A hard disk seeks two thousand times for the search; a disk full of headers is overwritten in minutes. */
const eraseSeconds = 900;
/** A TPM that tests itself after its start is busy for seconds. */
export const tpmKeySeconds = 120;
/** A table of 512 old partitions gives 9 GiB to read, and to overwrite where it is not zero. */
export const signatureSeconds = 900;

/**
 * What opened the old data goes first, on every disk that is taken, and is seen to be gone before anything new is made: the keys in
 * the firmware and in the TPM, the LUKS headers, then all data of disks that erase themselves or take discards.
 */
export function destructionSteps(
  firmware: Firmware,
  { root, tpm, others = [], headersOnly = [], byDevice }: Destruction,
): readonly Step[] {
  const disks = [root, ...others];
  const erasesItself = ({ path }: DiskIdentity) =>
    byDevice?.some(({ disk, offer }) => disk.path === path && offer.kind === "offered") === true;
  const isShut = ({ path }: DiskIdentity) =>
    byDevice?.some(
      ({ disk, offer, earlier }) => disk.path === path && offer.kind === "offered" && earlier === "failed",
    ) === true;
  const headers = (disk: DiskIdentity) => step("eraseHeaders", eraseSeconds, { kind: "eraseHeaders", disk });
  return [
    ...(firmware === "bios" ? [] : [step("discardKeys", 60, { kind: "discardKeys" })]),
    ...(tpm === undefined
      ? []
      : [step("discardTpmKey", tpmKeySeconds, { kind: "discardTpmKey", ...tpm, byteCount: diskKeyBytes })]),
    ...[...disks.filter((disk) => !isShut(disk)), ...headersOnly].map(headers),
    ...(byDevice === undefined ? [] : [step("eraseByDevice", eraseSeconds, { kind: "eraseByDevice", jobs: byDevice })]),
    ...disks.filter(isShut).map(headers),
    ...disks
      .filter((disk) => !erasesItself(disk))
      .map((disk) => step("discardDisk", eraseSeconds, { kind: "discardDisk", disk })),
    ...others.map((disk) => step("eraseOthers", signatureSeconds, { kind: "eraseSignatures", disk })),
  ];
}

const destroying: readonly InstallStepId[] = [
  "discardKeys",
  "discardTpmKey",
  "eraseHeaders",
  "eraseByDevice",
  "discardDisk",
  "eraseOthers",
];

/** The last step that destroys: after it, what was destroyed is reported. */
export function lastDestruction(steps: readonly Step[]): Step | undefined {
  return [...steps].reverse().find(({ id }) => destroying.includes(id));
}
