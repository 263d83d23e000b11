/**
 * Why a birth did not have the disk key sealed. `no-tpm`: the machine has none. `tpm-silent`: it has one that did not
 * answer. `debian-loaders`: it starts by Debian's signed loaders, under which each kernel changes PCR 4. `arm64`: there GRUB
 * always has the firmware start, and measure, the kernel.
 */
export const birthPlainCauses = ["no-tpm", "tpm-silent", "debian-loaders", "arm64"] as const;
export type BirthPlainCause = (typeof birthPlainCauses)[number];

/** What a birth decided about the key that it made: to have it sealed, or why not. */
export type KeySealing = "asked" | BirthPlainCause;

/**
 * Why an agent has not sealed the key that it is to seal. `tpm-gone`: the TPM of the birth is no longer there.
 * `other-start`: no boot as written yet. `other-program`: another program ran before the boot loader. `gave-up`: two tries
 * hung. `failed`: a try failed.
 */
export const agentPlainCauses = ["tpm-gone", "other-start", "other-program", "gave-up", "failed"] as const;
export type AgentPlainCause = (typeof agentPlainCauses)[number];

/** Where a machine keeps the key of its root disk: sealed to its boot path, or plain in a variable of its firmware, and why. */
export type DiskKeyState =
  | { readonly kind: "sealed" }
  | {
      readonly kind: "plain";
      readonly reason: string;
      /** Absent from agents of older versions. */
      readonly cause?: AgentPlainCause;
    };
