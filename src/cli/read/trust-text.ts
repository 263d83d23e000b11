import type { MachineView } from "../../contract/operator/views.ts";
import { type Trust, trustOf, type UnsealedTrust } from "../../core/machine/trust.ts";

const texts: {
  readonly [Part in Exclude<keyof Trust, "unsealed">]-?: { readonly [Value in NonNullable<Trust[Part]>]: string };
} = {
  boot: {
    "signed-image":
      "signed image: its firmware verified kernel, initramfs and command line of its birth with the site's key",
    "wire-trusted": "wire-trusted: any host that answered its network boot could have supplied what ran at its birth",
  },
  identity: {
    "tpm-bound": "TPM-bound: a boot token works only with a proof of its TPM",
    "tpm-unproved":
      "TPM not proved: a boot token works on any host; no birth has proved its TPM (its console says why, if it failed)",
    "no-tpm": "no TPM: a boot token works on any host",
  },
  disk: {
    "sealed-key": "disk key sealed: its TPM gives it only to the kernel, initrds and command line that its agent wrote",
    "tpm-key":
      "disk key in its TPM: any kernel that it boots can read it, until its own system starts; nobody reads it without the board",
    "unsealed-key": "disk key not sealed: any kernel that it boots can read the key and the root disk",
    unencrypted: "root disk not encrypted: readable by anyone who has it, and by any kernel that it boots",
  },
  start: {
    "start-as-written":
      "started as written: its TPM measured the boot loader's commands and files that its agent wrote",
    "start-differs":
      "started otherwise: its TPM measured other commands or files than its agent wrote; restart it, and if that does not help, ask for a rebirth",
    "start-not-measured": "start not measured: the boot loader on its disk does not use the TPM",
  },
};

/** Why a disk key is not sealed, in a few words. */
export const unsealedTexts: { readonly [Why in UnsealedTrust]: string } = {
  "unsealed-not-asked": "storage.sealDiskKey was off at its birth: a rebirth seals the key",
  "unsealed-awaited": "its agent seals it after its first start as written, once kernel and agent are confirmed",
  "unsealed-no-tpm": "it has no TPM",
  "unsealed-tpm-silent": "its TPM gave no answer at its birth; the birth's log says why",
  "unsealed-debian-loaders": "it starts by Debian's signed loaders; see secureBootKey in docs/secure-boot.md",
  "unsealed-arm64": "arm64: its firmware measures each kernel, so that a key would open with one kernel only",
  "unsealed-tpm-gone": "the TPM of its birth is gone",
  "unsealed-other-start": "no start as written yet: a restart measures one",
  "unsealed-other-program": "another program ran before its boot loader",
  "unsealed-gave-up": "its TPM or firmware hung twice: a restart tries again",
  "unsealed-failed": "its agent could not seal it",
};

/** What vouches for a machine, one line for each part. */
export function trustLines(machine: MachineView): readonly string[] {
  const { boot, identity, disk, unsealed, start } = trustOf(machine);
  const lines = [
    boot && texts.boot[boot],
    identity && texts.identity[identity],
    disk && `${texts.disk[disk]}${unsealed === undefined ? "" : ` (${whyUnsealed(machine, unsealed)})`}`,
    start && texts.start[start],
  ];
  return lines.filter((line) => line !== undefined);
}

/** Why the key is not sealed: by the agent's word where there is one. */
function whyUnsealed({ diskKey }: MachineView, why: UnsealedTrust): string {
  return diskKey?.kind === "plain" ? diskKey.reason : unsealedTexts[why];
}
