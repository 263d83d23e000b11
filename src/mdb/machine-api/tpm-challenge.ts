import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { OrderChallenge, TpmReport } from "../../contract/machine/order.ts";
import { hexFromBytes } from "../../core/bytes/text.ts";
import type { TpmClaim } from "../../core/tpm/claim.ts";
import { isNamedBySha256, nameOfArea, readEndorsementArea } from "../../core/tpm/public-area.ts";
import { makeCredential } from "./make-credential.ts";

/** What a machine's report of its TPM comes to. `claim` is absent where the report is: an older Bootstrap Image. */
export type TpmJudgement =
  | { readonly kind: "claimed"; readonly claim?: TpmClaim }
  | { readonly kind: "challenged"; readonly challenge: OrderChallenge["challenge"] };

/** The attempt that a proof is good for: one boot with one token. */
export type OrderAttempt = { readonly tokenHash: string; readonly bootId: string };

/** Judges the TPM of a machine that asks for an order. */
export type TpmJudge = (report: TpmReport | undefined, attempt: OrderAttempt) => TpmJudgement;

/**
 * Makes challenges and verifies their answers. The secret of a challenge is derived from its attempt and the server's key,
 * so nothing is remembered: with a key that the servers of a database share, each of them accepts the answer to a challenge of
 * another. Keys that no challenge can be made for prove nothing, as a TPM that fails.
 */
export function openTpmJudge(ownKey: Uint8Array): TpmJudge {
  return (report, attempt) => {
    if (report === undefined) return { kind: "claimed" };
    if (report.kind !== "key") return { kind: "claimed", claim: report };
    const [ek, activator] = [Buffer.from(report.ek, "hex"), Buffer.from(report.activator, "hex")];
    const key = readEndorsementArea(ek);
    if (key === undefined) return unusable("expected an endorsement key of template L-1 or L-2, found another object");
    if (!isNamedBySha256(activator))
      return unusable("expected a signing key with a SHA-256 name, found another object");
    const ekSha256 = hexFromBytes(sha256(ek));
    const objectName = nameOfArea(sha256(activator));
    const about = [attempt.tokenHash, attempt.bootId, ekSha256, hexFromBytes(objectName)];
    const secret = createHmac("sha256", ownKey).update(JSON.stringify(about)).digest();
    if (isSecret(report.secret, secret)) return { kind: "claimed", claim: { kind: "proved", ekSha256 } };
    try {
      const { idObject, encryptedSecret } = makeCredential(key, objectName, secret);
      const challenge = { idObject: hexFromBytes(idObject), encryptedSecret: hexFromBytes(encryptedSecret) };
      return { kind: "challenged", challenge };
    } catch {
      return unusable("expected an endorsement key that encrypts, found an invalid modulus or point");
    }
  };
}

function unusable(reason: string): TpmJudgement {
  return { kind: "claimed", claim: { kind: "unusable", reason } };
}

function isSecret(given: string | undefined, secret: Uint8Array): boolean {
  const bytes = Buffer.from(given ?? "", "hex");
  return bytes.length === secret.length && timingSafeEqual(bytes, secret);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
