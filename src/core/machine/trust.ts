import { type BootTrust, bootTrusts } from "../hardware/hardware.ts";
import type { MeasuredBoot } from "../tpm/measured-boot.ts";
import type { Machine } from "./record.ts";

/**
 * What proves that an order goes to this machine. `tpm-bound`: a proof of its TPM. `tpm-unproved`: it has a TPM, but no birth
 * has proved it. `no-tpm`: nothing but a token that anyone on its wire can read.
 */
export const identityTrusts = ["tpm-bound", "tpm-unproved", "no-tpm"] as const;
export type IdentityTrust = (typeof identityTrusts)[number];

/**
 * Who can read its root disk: `sealed-key`, only the system that its agent wrote; `unsealed-key`, any kernel that it boots;
 * `unencrypted`, also anyone who has the disk.
 */
export const diskTrusts = ["sealed-key", "unsealed-key", "unencrypted"] as const;
export type DiskTrust = (typeof diskTrusts)[number];

/** What its agent found in the TPM after the latest boot from the disk (core/image/boot/measured-boot.ts). */
export const startTrusts = ["start-as-written", "start-differs", "start-not-measured"] as const;
export type StartTrust = (typeof startTrusts)[number];

/** What vouches for a machine, derived from its record; a part that nothing has told of yet is absent. */
export type Trust = {
  readonly boot?: BootTrust;
  readonly identity?: IdentityTrust;
  readonly disk?: DiskTrust;
  readonly start?: StartTrust;
};

const starts = {
  asWritten: "start-as-written",
  differs: "start-differs",
  notMeasured: "start-not-measured",
} as const satisfies { readonly [Kind in MeasuredBoot["kind"]]: StartTrust };

/** Every value of every part. */
export const trustValues = [...bootTrusts, ...identityTrusts, ...diskTrusts, ...startTrusts] as const;

type TrustFacts = Pick<Machine, "hardware" | "storage" | "tpm" | "measuredBoot" | "diskKey">;

/** The only place that says what vouches for a machine. */
export function trustOf({ hardware, storage, tpm, measuredBoot, diskKey }: TrustFacts): Trust {
  const unproved = hardware && (hardware.tpm ? "tpm-unproved" : "no-tpm");
  const identity = tpm === undefined ? unproved : "tpm-bound";
  const withKey = diskKey?.kind === "sealed" ? "sealed-key" : "unsealed-key";
  return {
    // Versions that report none had no signed image.
    ...(hardware === undefined ? {} : { boot: hardware.bootTrust ?? "wire-trusted" }),
    ...(identity === undefined ? {} : { identity }),
    ...(storage === undefined ? {} : { disk: storage.encryption.kind === "luks2" ? withKey : "unencrypted" }),
    ...(measuredBoot === undefined ? {} : { start: starts[measuredBoot.kind] }),
  };
}
