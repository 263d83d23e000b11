import { putBytes } from "../bytes/builder.ts";
import { type Cursor, readBytes, readUnsigned } from "../bytes/cursor.ts";
import { handles } from "./command.ts";
import { bytesOf, command, empty, number, type Part, sized } from "./command-form.ts";

/** Command codes (Part 2, 6.5.2); a policy digest contains those of its commands. */
export const codes = {
  create: 0x0153,
  load: 0x0157,
  unseal: 0x015e,
  policySigned: 0x0160,
  loadExternal: 0x0167,
  pcrExtend: 0x0182,
  policyOr: 0x0171,
  policyPcr: 0x017f,
} as const;
const alg = { aes: 0x0006, keyedHash: 0x0008, sha256: 0x000b, null: 0x0010, ecdsa: 0x0018, ecc: 0x0023, cfb: 0x0043 };
const nistP256 = 0x0003;
/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, decrypt. */
const storageAttributes = 0x00030472;
/** fixedTPM, fixedParent, noDA. Without userWithAuth only the policy unseals. */
const sealedAttributes = 0x00000412;
/** userWithAuth, sign: the public part of a key that lies elsewhere. */
const verifierAttributes = 0x00040040;
const coordinateBytes = 32;

const words = (...values: readonly number[]): readonly Part[] => values.map((value) => number(value, 2));
const raw =
  (bytes: Uint8Array): Part =>
  (into) =>
    putBytes(into, bytes);

/**
 * The template of the storage key that sealed objects lie under: on P-256, the same key each time while the owner's seed is the
 * same (TCG TPM v2.0 Provisioning Guidance, 7.5.1; TCG EK Credential Profile has its parameters).
 */
export function storageTemplate(): Uint8Array {
  const zeros = sized(new Uint8Array(coordinateBytes));
  return bytesOf([
    ...words(alg.ecc, alg.sha256),
    number(storageAttributes, 4),
    empty,
    ...words(alg.aes, 128, alg.cfb, alg.null, nistP256, alg.null),
    zeros,
    zeros,
  ]);
}

/** The public area of data that only a session with this policy digest unseals. */
export function sealedTemplate(policy: Uint8Array): Uint8Array {
  return bytesOf([
    ...words(alg.keyedHash, alg.sha256),
    number(sealedAttributes, 4),
    sized(policy),
    ...words(alg.null),
    empty,
  ]);
}

/** The public area of a P-256 key with which another party signs for a policy. */
export function verifierArea({ x, y }: { readonly x: Uint8Array; readonly y: Uint8Array }): Uint8Array {
  return bytesOf([
    ...words(alg.ecc, alg.sha256),
    number(verifierAttributes, 4),
    empty,
    ...words(alg.null, alg.null, nistP256, alg.null),
    sized(x),
    sized(y),
  ]);
}

/** TPM2_Create of sealed data (at most 128 bytes) under a storage key. */
export function createSealed(parent: number, data: Uint8Array, policy: Uint8Array): Uint8Array {
  return command(codes.create, {
    handles: [parent],
    sessions: [handles.password],
    parameters: [sized(bytesOf([empty, sized(data)])), sized(sealedTemplate(policy)), empty, number(0, 4)],
  });
}

/** A sealed object outside of its TPM: the contents of TPM2B_PRIVATE and TPM2B_PUBLIC. */
export type SealedObject = { readonly privatePart: Uint8Array; readonly publicPart: Uint8Array };

/** TPM2_Load of an object under the storage key that it was created under. */
export function loadSealed(parent: number, { privatePart, publicPart }: SealedObject): Uint8Array {
  return command(codes.load, {
    handles: [parent],
    sessions: [handles.password],
    parameters: [sized(privatePart), sized(publicPart)],
  });
}

/** TPM2_LoadExternal of a public area, in the owner's hierarchy as a verifier of a policy. */
export function loadVerifier(area: Uint8Array): Uint8Array {
  return command(codes.loadExternal, { handles: [], parameters: [empty, sized(area), number(handles.owner, 4)] });
}

/** A selection of PCRs of the bank SHA-256 (TPML_PCR_SELECTION). */
export function pcrSelection(pcrs: readonly number[]): Uint8Array {
  const map = new Uint8Array(3);
  for (const pcr of pcrs) map[pcr >> 3] = (map[pcr >> 3] ?? 0) | (1 << (pcr & 7));
  return bytesOf([number(1, 4), ...words(alg.sha256), number(map.length, 1), raw(map)]);
}

/** TPM2_PCR_Extend of a PCR of the bank SHA-256. */
export function extendPcr(pcr: number, digest: Uint8Array): Uint8Array {
  return command(codes.pcrExtend, {
    handles: [pcr],
    sessions: [handles.password],
    parameters: [number(1, 4), ...words(alg.sha256), raw(digest)],
  });
}

/** TPM2_PolicyPCR: the session takes the present values of these PCRs. */
export function policyPcr(session: number, pcrs: readonly number[]): Uint8Array {
  return command(codes.policyPcr, { handles: [session], parameters: [empty, raw(pcrSelection(pcrs))] });
}

/** TPM2_PolicyOR: the session's digest must be one of these (2 to 8). */
export function policyOr(session: number, digests: readonly Uint8Array[]): Uint8Array {
  return command(codes.policyOr, {
    handles: [session],
    parameters: [number(digests.length, 4), ...digests.map(sized)],
  });
}

/** An ECDSA signature: big-endian numbers of 32 bytes. */
export type EcdsaSignature = { readonly r: Uint8Array; readonly s: Uint8Array };

/** What TPM2_PolicySigned verifies: a signature over this session's nonce, for a purpose. */
export type SignedAuthorisation = {
  readonly verifier: number;
  readonly session: number;
  readonly nonce: Uint8Array;
  readonly purpose: Uint8Array;
  readonly signature: EcdsaSignature;
};

/** TPM2_PolicySigned without an expiry: the nonce already limits it to this session. */
export function policySigned({ verifier, session, nonce, purpose, signature }: SignedAuthorisation): Uint8Array {
  return command(codes.policySigned, {
    handles: [verifier, session],
    parameters: [
      sized(nonce),
      empty,
      sized(purpose),
      number(0, 4),
      ...words(alg.ecdsa, alg.sha256),
      sized(signature.r),
      sized(signature.s),
    ],
  });
}

/** What a signature for TPM2_PolicySigned is made over (Part 3, 23.3): nonce, no expiry, no command, purpose. */
export function signedMessage(nonce: Uint8Array, purpose: Uint8Array): Uint8Array {
  return bytesOf([raw(nonce), number(0, 4), raw(purpose)]);
}

/** TPM2_Unseal of a loaded object by a policy session. */
export function unseal(object: number, session: number): Uint8Array {
  return command(codes.unseal, { handles: [object], sessions: [session], parameters: [] });
}

/** Reads the body of a TPM2_Create response. */
export function readSealed(body: Cursor): SealedObject | undefined {
  const parameters = readUnsigned(body, 4);
  const [privatePart, publicPart] = [readSized(body), readSized(body)];
  return parameters === undefined || privatePart === undefined || publicPart === undefined
    ? undefined
    : { privatePart, publicPart };
}

/** Reads the handle from the body of a TPM2_Load or TPM2_LoadExternal response. */
export function readLoaded(body: Cursor): number | undefined {
  return readUnsigned(body, 4);
}

/** Reads handle and nonce from the body of a TPM2_StartAuthSession response. */
export function readSessionNonce(body: Cursor): { readonly session: number; readonly nonce: Uint8Array } | undefined {
  const session = readUnsigned(body, 4);
  const nonce = readSized(body);
  return session === undefined || nonce === undefined ? undefined : { session, nonce };
}

/** Reads the data from the body of a TPM2_Unseal response. */
export function readUnsealed(body: Cursor): Uint8Array | undefined {
  return readUnsigned(body, 4) === undefined ? undefined : readSized(body);
}

/** Reads a TPM2B. */
export function readSized(body: Cursor): Uint8Array | undefined {
  const size = readUnsigned(body, 2);
  return size === undefined ? undefined : readBytes(body, size)?.slice();
}
