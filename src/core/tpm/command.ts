import { bytesOf, command, empty, number, sized } from "./command-form.ts";

/** Permanent handles (TPM Library, Part 2, 7.4). */
export const handles = { owner: 0x40000001, null: 0x40000007, password: 0x40000009, endorsement: 0x4000000b } as const;

const codes = {
  createPrimary: 0x0131,
  activateCredential: 0x0147,
  policySecret: 0x0151,
  flushContext: 0x0165,
  startAuthSession: 0x0176,
} as const;
const alg = { null: 0x0010, sha256: 0x000b } as const;
const policySession = 0x01;

/** TPM2_CreatePrimary of a template (TPMT_PUBLIC) in a hierarchy whose password is empty. */
export function createPrimary(hierarchy: number, template: Uint8Array): Uint8Array {
  const noSensitive = bytesOf([empty, empty]);
  const noPcrs = number(0, 4);
  return command(codes.createPrimary, {
    handles: [hierarchy],
    sessions: [handles.password],
    parameters: [sized(noSensitive), sized(template), empty, noPcrs],
  });
}

/** TPM2_StartAuthSession of an unbound, unsalted policy session with SHA-256; the nonce has 16 to 32 bytes. */
export function startPolicySession(nonce: Uint8Array): Uint8Array {
  return command(codes.startAuthSession, {
    handles: [handles.null, handles.null],
    parameters: [sized(nonce), empty, number(policySession, 1), number(alg.null, 2), number(alg.sha256, 2)],
  });
}

/** TPM2_PolicySecret: the policy session knows the password of the endorsement hierarchy, which is empty. */
export function policySecretOfEndorsement(session: number): Uint8Array {
  return command(codes.policySecret, {
    handles: [handles.endorsement, session],
    sessions: [handles.password],
    parameters: [empty, empty, empty, number(0, 4)],
  });
}

/** A credential as a server makes it: the contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
export type Credential = { readonly idObject: Uint8Array; readonly encryptedSecret: Uint8Array };

/** TPM2_ActivateCredential: the endorsement key decrypts a credential that was made for the object `activated`. */
export function activateCredential(
  of: { readonly activated: number; readonly endorsementKey: number; readonly session: number },
  { idObject, encryptedSecret }: Credential,
): Uint8Array {
  return command(codes.activateCredential, {
    handles: [of.activated, of.endorsementKey],
    sessions: [handles.password, of.session],
    parameters: [sized(idObject), sized(encryptedSecret)],
  });
}

/** TPM2_FlushContext: forgets an object or a session. */
export function flushContext(handle: number): Uint8Array {
  return command(codes.flushContext, { handles: [], parameters: [number(handle, 4)] });
}
