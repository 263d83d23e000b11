import { type BootTrust, bootTrusts } from "../hardware/hardware.ts";
import { agentPlainCauses, birthPlainCauses } from "../tpm/disk-key.ts";
import type { MeasuredBoot } from "../tpm/measured-boot.ts";
import type { Machine } from "./record.ts";

/**
 * What proves that an order goes to this machine. `tpm-bound`: a proof of its TPM. `tpm-unproved`: it has a TPM, but no birth
 * has proved it. `no-tpm`: nothing but a token that anyone on its wire can read.
 */
export const identityTrusts = ["tpm-bound", "tpm-unproved", "no-tpm"] as const;
export type IdentityTrust = (typeof identityTrusts)[number];

/**
 * Who can read its root disk: `sealed-key`, only the system that its agent wrote; `tpm-key`, any kernel that it boots, but no longer once its
 * own system runs, and nobody without the board; `unsealed-key`, any kernel that it boots;
 * `unencrypted`, also anyone who has the disk.
 */
export const diskTrusts = ["sealed-key", "tpm-key", "unsealed-key", "unencrypted"] as const;
export type DiskTrust = (typeof diskTrusts)[number];

/**
 * Why the disk key is not sealed: what a birth or an agent found (core/tpm/disk-key.ts); `not-asked`: the configuration did not ask
 * for it at the birth; `awaited`: the agent has not said anything of it yet.
 */
const plainCauses = ["not-asked", "awaited", ...birthPlainCauses, ...agentPlainCauses] as const;
export type UnsealedTrust = `unsealed-${(typeof plainCauses)[number]}`;
export const unsealedTrusts = plainCauses.map((cause): UnsealedTrust => `unsealed-${cause}`);

/** What its agent found in the TPM after the latest boot from the disk (core/image/boot/measured-boot.ts). */
export const startTrusts = ["start-as-written", "start-differs", "start-not-measured"] as const;
export type StartTrust = (typeof startTrusts)[number];

/** What vouches for a machine, derived from its record; a part that nothing has told of yet is absent. */
export type Trust = {
  readonly boot?: BootTrust;
  readonly identity?: IdentityTrust;
  readonly disk?: DiskTrust;
  /** Only beside `unsealed-key`. */
  readonly unsealed?: UnsealedTrust;
  readonly start?: StartTrust;
};

const starts = {
  asWritten: "start-as-written",
  differs: "start-differs",
  notMeasured: "start-not-measured",
} as const satisfies { readonly [Kind in MeasuredBoot["kind"]]: StartTrust };

/** Every value of every part. */
export const trustValues = [
  ...bootTrusts,
  ...identityTrusts,
  ...diskTrusts,
  ...unsealedTrusts,
  ...startTrusts,
] as const;

/** What tells who can read the root disk. */
type DiskFacts = { readonly [K in "storage" | "diskKey"]?: Machine[K] | undefined };

type TrustFacts = Pick<Machine, "hardware" | "storage" | "tpm" | "measuredBoot" | "diskKey">;

/** The only place that says what vouches for a machine. */
export function trustOf({ hardware, storage, tpm, measuredBoot, diskKey }: TrustFacts): Trust {
  const unproved = hardware && (hardware.tpm ? "tpm-unproved" : "no-tpm");
  const identity = tpm === undefined ? unproved : "tpm-bound";
  return {
    // Versions that report none had no signed image.
    ...(hardware === undefined ? {} : { boot: hardware.bootTrust ?? "wire-trusted" }),
    ...(identity === undefined ? {} : { identity }),
    ...diskTrustOf({ storage, diskKey }),
    ...(measuredBoot === undefined ? {} : { start: starts[measuredBoot.kind] }),
  };
}

/** What protects the root disk: the part of `trustOf` that figures of the whole fleet need. */
export function diskTrustOf({ storage, diskKey }: DiskFacts): Pick<Trust, "disk" | "unsealed"> {
  if (storage === undefined) return {};
  const { encryption } = storage;
  if (encryption.kind === "none") return { disk: "unencrypted" };
  if (encryption.keyIn === "tpm") return { disk: "tpm-key" };
  if (diskKey?.kind === "sealed") return { disk: "sealed-key" };
  // The newest word: the birth was before.
  if (diskKey !== undefined) return { disk: "unsealed-key", unsealed: `unsealed-${diskKey.cause ?? "failed"}` };
  const { sealing = "not-asked" } = encryption;
  return { disk: "unsealed-key", unsealed: `unsealed-${sealing === "asked" ? "awaited" : sealing}` };
}
