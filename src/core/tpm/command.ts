import { type Builder, builtBytes, createBuilder, putBytes, putUnsigned } from "../bytes/builder.ts";

/** Permanent handles (TPM Library, Part 2, 7.4). */
export const handles = { null: 0x40000007, password: 0x40000009, endorsement: 0x4000000b } as const;

const tags = { noSessions: 0x8001, sessions: 0x8002 } as const;
const codes = {
  createPrimary: 0x0131,
  activateCredential: 0x0147,
  policySecret: 0x0151,
  flushContext: 0x0165,
  startAuthSession: 0x0176,
} as const;
const alg = { null: 0x0010, sha256: 0x000b } as const;
const policySession = 0x01;
const continueSession = 0x01;

type Part = (into: Builder) => void;

/** A TPM2B: two bytes of length, then the bytes. */
const sized =
  (bytes: Uint8Array): Part =>
  (into) => {
    putUnsigned(into, bytes.length, 2);
    putBytes(into, bytes);
  };
const number =
  (value: number, size: 1 | 2 | 4): Part =>
  (into) =>
    putUnsigned(into, value, size);
const empty = sized(new Uint8Array());

/** One authorisation of the command: an empty password, or a policy session, whose HMAC is empty. */
const authorisation =
  (session: number): Part =>
  (into) => {
    putUnsigned(into, session, 4);
    empty(into);
    putUnsigned(into, continueSession, 1);
    empty(into);
  };

function bytesOf(parts: readonly Part[]): Uint8Array {
  const into = createBuilder(512);
  for (const part of parts) part(into);
  return builtBytes(into);
}

/** A whole command (Part 1, 18): header, handles, authorisations, parameters. */
function command(
  code: number,
  of: {
    readonly handles: readonly number[];
    readonly sessions?: readonly number[];
    readonly parameters: readonly Part[];
  },
): Uint8Array {
  const sessions = of.sessions === undefined ? undefined : bytesOf(of.sessions.map(authorisation));
  const body = bytesOf([
    ...of.handles.map((handle) => number(handle, 4)),
    ...(sessions === undefined ? [] : [number(sessions.length, 4), (into: Builder) => putBytes(into, sessions)]),
    ...of.parameters,
  ]);
  const tag = sessions === undefined ? tags.noSessions : tags.sessions;
  return bytesOf([number(tag, 2), number(body.length + 10, 4), number(code, 4), (into) => putBytes(into, body)]);
}

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
