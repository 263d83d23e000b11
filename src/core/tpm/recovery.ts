import { bytesFromBase64 } from "../bytes/base64.ts";
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { Sha256 } from "./pcr.ts";
import { nameOfArea } from "./public-area.ts";
import { verifierArea } from "./seal-command.ts";
import { mostSealedTo, recoveryBranch } from "./seal-policy.ts";
import { pointInCertificate } from "./verifier-key.ts";

/**
 * The purpose of a recovery's signature (its policyRef): it opens the disk key of this machine, and nothing else. With the nonce, the
 * signed message has 68 bytes: too few for anything that is signed with an authority's key otherwise, such as a certificate.
 */
export function recoveryPurpose(machineId: string, sha256: Sha256): Uint8Array {
  return sha256(encodeUtf8(`birther: recover the disk key of ${machineId}`));
}

/** The public areas of the authorities' keys in PEM certificates; authorities with keys of another kind have none. */
export function verifiersIn(pem: string): readonly Uint8Array[] {
  const texts = pem.match(/-----BEGIN CERTIFICATE-----[^-]+/g) ?? [];
  return texts.flatMap((text) => {
    const point = pointInCertificate(bytesFromBase64(text.replace(/^-+[^-]+-+/, "")));
    return point === undefined ? [] : [verifierArea(point)];
  });
}

/** The branches by which these authorities recover a machine's key; the first ones, if there are too many. */
export function recoveryBranches(pem: string, machineId: string, sha256: Sha256): readonly Uint8Array[] {
  const purpose = recoveryPurpose(machineId, sha256);
  return verifiersIn(pem)
    .slice(0, mostSealedTo.recovery)
    .map((area) => recoveryBranch(nameOfArea(sha256(area)), purpose, sha256));
}
