import {
  constants,
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import type { Credential } from "../../core/tpm/command.ts";
import type { EndorsementKey } from "../../core/tpm/public-area.ts";

/** Labels end with a zero byte where they are used as one (TPM Library, Part 1, B.10.3 and 24). */
const identity = Buffer.from("IDENTITY\0");
const digestBytes = 32;
const aesKeyBytes = 16;

/**
 * TPM2_MakeCredential in software (Part 1, 24): a credential that only the TPM of this endorsement key can decrypt, and only
 * while it holds an object with this name. Throws for a point that is not on the curve.
 */
export function makeCredential(key: EndorsementKey, objectName: Uint8Array, secret: Uint8Array): Credential {
  const { seed, encryptedSecret } = key.kind === "rsa2048" ? seedForRsa(key.modulus) : seedForEcc(key);
  const cipher = createCipheriv("aes-128-cfb", deriveKey(seed, "STORAGE", objectName, aesKeyBytes), Buffer.alloc(16));
  const encrypted = Buffer.concat([cipher.update(sized(secret)), cipher.final()]);
  const integrityKey = deriveKey(seed, "INTEGRITY", new Uint8Array(), digestBytes);
  const integrity = createHmac("sha256", integrityKey).update(encrypted).update(objectName).digest();
  return { idObject: Buffer.concat([sized(integrity), encrypted]), encryptedSecret };
}

type Seed = { readonly seed: Uint8Array; readonly encryptedSecret: Uint8Array };

function seedForRsa(modulus: Uint8Array): Seed {
  const n = Buffer.from(modulus).toString("base64url");
  const key = createPublicKey({ key: { kty: "RSA", n, e: "AQAB" }, format: "jwk" });
  const seed = randomBytes(digestBytes);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return { seed, encryptedSecret: publicEncrypt({ key, padding, oaepHash: "sha256", oaepLabel: identity }, seed) };
}

/** One-pass Diffie-Hellman with a key of this moment, whose point is the encrypted secret (Part 1, C.6.3). */
function seedForEcc({ x, y }: Extract<EndorsementKey, { kind: "eccP256" }>): Seed {
  const ours = createECDH("prime256v1");
  const point = ours.generateKeys();
  const shared = ours.computeSecret(Buffer.concat([Uint8Array.of(4), x, y]));
  const [ourX, ourY] = [point.subarray(1, 33), point.subarray(33, 65)];
  // KDFe (Part 1, 11.4.10.3); one round yields all bits.
  const seed = createHash("sha256").update(counterOne).update(shared).update(identity).update(ourX).update(x).digest();
  return { seed, encryptedSecret: Buffer.concat([sized(ourX), sized(ourY)]) };
}

const counterOne = Uint8Array.of(0, 0, 0, 1);

/** KDFa with SHA-256 (Part 1, 11.4.10.2); one round yields all bits. */
function deriveKey(seed: Uint8Array, label: string, context: Uint8Array, bytes: number): Uint8Array {
  const bits = Buffer.alloc(4);
  bits.writeUInt32BE(bytes * 8);
  const mac = createHmac("sha256", seed).update(counterOne).update(`${label}\0`).update(context).update(bits);
  return mac.digest().subarray(0, bytes);
}

function sized(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]);
}
