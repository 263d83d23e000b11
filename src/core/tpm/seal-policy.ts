import { bytesOf, number } from "./command-form.ts";
import { type Sha256, zeroPcr } from "./pcr.ts";
import { codes, pcrSelection } from "./seal-command.ts";

/**
 * PCRs that a disk key is sealed to: 4 has the programs that the firmware started, 8 GRUB's commands, 9 the files that it read. 15 must
 * be zero: our initrd extends it before any root is mounted, so that no system that it starts can unseal the key, whatever root a
 * stranger has put there, with whatever key.
 */
export const sealedPcrs = { firmware: [4], grub: [8, 9], start: [15] } as const;

/**
 * What unseals a disk key: a boot with one of these values of PCR 4 and one of these digests of PCR 8 and 9 (SHA-256 of their
 * values in turn), or a recovery that one of these branches allows.
 */
export type SealedTo = {
  readonly firmware: readonly Uint8Array[];
  readonly grub: readonly Uint8Array[];
  readonly recovery: readonly Uint8Array[];
};

/** TPM2_PolicyOR takes 2 to 8 digests; two levels of it, 64. */
const mostInOne = 8;
/** The most values of each kind. */
export const mostSealedTo = { firmware: 64, grub: 64, recovery: mostInOne - 1 } as const;

/** Alternatives as a TPM takes them: groups of 2 to 8, and over several groups one more. */
export type Alternatives = {
  readonly groups: readonly (readonly Uint8Array[])[];
  readonly over?: readonly Uint8Array[];
};

/** Arranges 1 to 64 digests; throws for another number. */
export function alternativesOf(digests: readonly Uint8Array[], sha256: Sha256): Alternatives {
  if (digests.length === 0 || digests.length > mostInOne ** 2)
    throw new Error(`policy: expected 1 to ${mostInOne ** 2} alternatives, found ${digests.length}`);
  const groups: (readonly Uint8Array[])[] = [];
  for (let at = 0; at < digests.length; at += mostInOne) groups.push(atLeastTwo(digests.slice(at, at + mostInOne)));
  return groups.length === 1 ? { groups } : { groups, over: groups.map((group) => afterOr(group, sha256)) };
}

function atLeastTwo(digests: readonly Uint8Array[]): readonly Uint8Array[] {
  return digests.length === 1 ? [...digests, ...digests] : digests;
}

/** The digest of a policy session after one of the alternatives. */
function afterAlternatives(digests: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  const { groups, over } = alternativesOf(digests, sha256);
  return afterOr(over ?? groups[0] ?? [], sha256);
}

/** The digest after TPM2_PolicyOR (Part 3, 23.6). */
function afterOr(digests: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  return sha256(joined(zeroPcr, bytesOf([number(codes.policyOr, 4)]), ...digests));
}

/** The digest after TPM2_PolicyPCR (Part 3, 23.7) of PCRs whose values have this digest. */
function afterPcr(before: Uint8Array, pcrs: readonly number[], digest: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(joined(before, bytesOf([number(codes.policyPcr, 4)]), pcrSelection(pcrs), digest));
}

/** The branch of a recovery: TPM2_PolicySigned (Part 3, 23.3) by the key with this name, for a purpose. */
export function recoveryBranch(keyName: Uint8Array, purpose: Uint8Array, sha256: Sha256): Uint8Array {
  const named = sha256(joined(zeroPcr, bytesOf([number(codes.policySigned, 4)]), keyName));
  return sha256(joined(named, purpose));
}

/** The digests that a session must have at each stage of the policy, in turn. */
export type PolicyStages = {
  /** After PolicyPCR of PCR 4. */
  readonly firmware: Alternatives;
  /** Then after PolicyPCR of PCR 8 and 9. */
  readonly grub: Alternatives;
  /** Then after PolicyPCR of PCR 15, or after PolicySigned alone. */
  readonly branches: readonly Uint8Array[];
  /** The policy of the sealed object. */
  readonly policy: Uint8Array;
};

/** The policy that is met by the boots and recoveries; throws if there are none, or too many. */
export function policyStages({ firmware, grub, recovery }: SealedTo, sha256: Sha256): PolicyStages {
  if (recovery.length > mostSealedTo.recovery)
    throw new Error(`policy: expected at most ${mostSealedTo.recovery} recoveries, found ${recovery.length}`);
  const firsts = firmware.map((pcr4) => afterPcr(zeroPcr, sealedPcrs.firmware, sha256(pcr4), sha256));
  const middle = afterAlternatives(firsts, sha256);
  const seconds = grub.map((digest) => afterPcr(middle, sealedPcrs.grub, digest, sha256));
  const started = afterPcr(afterAlternatives(seconds, sha256), sealedPcrs.start, sha256(zeroPcr), sha256);
  const branches = atLeastTwo([started, ...recovery]);
  return {
    firmware: alternativesOf(firsts, sha256),
    grub: alternativesOf(seconds, sha256),
    branches,
    policy: afterOr(branches, sha256),
  };
}

/** Bytes in turn. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
