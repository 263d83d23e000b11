import { uint16At } from "../bytes/big-endian.ts";
import { builtBytes, createBuilder, putBytes, putUnsigned } from "../bytes/builder.ts";
import { bytesFromHex, sameBytes } from "../bytes/text.ts";

/** Algorithms, curves and attributes of TPM 2.0 as its public areas name them (TPM Library, Part 2, 6.3, 6.4, 8.3). */
const alg = {
  rsa: 0x0001,
  aes: 0x0006,
  sha256: 0x000b,
  null: 0x0010,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;
const nistP256 = 0x0003;
/** fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt. */
const endorsementAttributes = 0x000300b2;
/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign. */
const signingAttributes = 0x00050472;
/** PolicySecret(TPM_RH_ENDORSEMENT), the policy of both low-range templates (EK Credential Profile, B.6.5). */
const endorsementPolicy =
  bytesFromHex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa") ?? new Uint8Array();

/** The kinds of endorsement key; each is made from the template of the same name (TCG EK Credential Profile, B.3.3, B.3.4). */
export const endorsementKinds = ["rsa2048", "eccP256"] as const;
export type EndorsementKind = (typeof endorsementKinds)[number];

/** An endorsement key's public part: the RSA modulus, or the point on P-256. All are big-endian and of full length. */
export type EndorsementKey =
  | { readonly kind: "rsa2048"; readonly modulus: Uint8Array }
  | { readonly kind: "eccP256"; readonly x: Uint8Array; readonly y: Uint8Array };

const modulusBytes = 256;
const coordinateBytes = 32;

/** What precedes the key itself in a public area (TPMT_PUBLIC) of an endorsement key. */
function endorsementHead(kind: EndorsementKind): Uint8Array {
  const area = createBuilder(64);
  putUnsigned(area, kind === "rsa2048" ? alg.rsa : alg.ecc, 2);
  putUnsigned(area, alg.sha256, 2);
  putUnsigned(area, endorsementAttributes, 4);
  putUnsigned(area, endorsementPolicy.length, 2);
  putBytes(area, endorsementPolicy);
  for (const word of [alg.aes, 128, alg.cfb, alg.null]) putUnsigned(area, word, 2);
  if (kind === "rsa2048") {
    putUnsigned(area, 2048, 2);
    putUnsigned(area, 0, 4);
  } else {
    putUnsigned(area, nistP256, 2);
    putUnsigned(area, alg.null, 2);
  }
  return builtBytes(area);
}

/** The public area (TPMT_PUBLIC) of an endorsement key. */
export function writeEndorsementArea(key: EndorsementKey): Uint8Array {
  const area = createBuilder(512);
  putBytes(area, endorsementHead(key.kind));
  for (const part of key.kind === "rsa2048" ? [key.modulus] : [key.x, key.y]) {
    putUnsigned(area, part.length, 2);
    putBytes(area, part);
  }
  return builtBytes(area);
}

/** The template (TPMT_PUBLIC) that makes a TPM's endorsement key: its public area with zeros in place of the key. */
export function endorsementTemplate(kind: EndorsementKind): Uint8Array {
  const zeros = new Uint8Array(coordinateBytes);
  return writeEndorsementArea(
    kind === "rsa2048" ? { kind, modulus: new Uint8Array(modulusBytes) } : { kind, x: zeros, y: zeros },
  );
}

/** The key in a public area that was made from one of the templates; undefined for any other public area. */
export function readEndorsementArea(area: Uint8Array): EndorsementKey | undefined {
  const kind = endorsementKinds.find((one) => {
    const head = endorsementHead(one);
    return sameBytes(area.subarray(0, head.length), head);
  });
  if (kind === undefined) return undefined;
  let at = endorsementHead(kind).length;
  const take = (length: number) => {
    const part = area.slice(at + 2, at + 2 + length);
    const whole = uint16At(area, at) === length && part.length === length;
    at += 2 + length;
    return whole ? part : undefined;
  };
  if (kind === "rsa2048") {
    const modulus = take(modulusBytes);
    return modulus === undefined || at !== area.length ? undefined : { kind, modulus };
  }
  const [x, y] = [take(coordinateBytes), take(coordinateBytes)];
  return x === undefined || y === undefined || at !== area.length ? undefined : { kind, x, y };
}

/** The template of a signing key on P-256 that cannot leave its TPM: the object that a credential is activated for. */
export function signingTemplate(): Uint8Array {
  const area = createBuilder(32);
  for (const word of [alg.ecc, alg.sha256]) putUnsigned(area, word, 2);
  putUnsigned(area, signingAttributes, 4);
  for (const word of [0, alg.null, alg.ecdsa, alg.sha256, nistP256, alg.null, 0, 0]) putUnsigned(area, word, 2);
  return builtBytes(area);
}

/** The name (TPM2B_NAME's content) of an object with this public area, whose SHA-256 is `digest`. */
export function nameOfArea(digest: Uint8Array): Uint8Array {
  return Uint8Array.of(alg.sha256 >> 8, alg.sha256 & 255, ...digest);
}

/** Whether names of objects with this public area are SHA-256. */
export function isNamedBySha256(area: Uint8Array): boolean {
  return area.length > 4 && uint16At(area, 2) === alg.sha256;
}
