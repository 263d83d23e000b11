import { encodeUtf8 } from "../bytes/utf8.ts";
import { createPrimary, flushContext, handles, startPolicySession } from "./command.ts";
import { type TpmDialogue, transact } from "./dialogue.ts";
import type { Sha256 } from "./pcr.ts";
import { readCreated } from "./response.ts";
import {
  createSealed,
  type EcdsaSignature,
  extendPcr,
  loadSealed,
  loadVerifier,
  policyOr,
  policyPcr,
  policySigned,
  readLoaded,
  readSealed,
  readSessionNonce,
  readUnsealed,
  type SealedObject,
  storageTemplate,
  unseal,
} from "./seal-command.ts";
import { type Alternatives, policyStages, type SealedTo, sealedPcrs } from "./seal-policy.ts";
import type { SealedKey } from "./sealed-key.ts";

/** The result of unsealing by the boot path. `closed`: these PCRs have values that the key is not sealed to. */
export type Unsealed =
  | { readonly kind: "opened"; readonly key: Uint8Array }
  | { readonly kind: "closed"; readonly pcrs: readonly number[] };

/** Seals a key (at most 128 bytes) under the TPM's storage key. */
export function* sealKey(key: Uint8Array, to: SealedTo, sha256: Sha256): TpmDialogue<SealedObject> {
  const { policy } = policyStages(to, sha256);
  const parent = yield* makeStorageKey();
  try {
    return yield* transact("Create", createSealed(parent, key, policy), readSealed);
  } finally {
    yield { name: "FlushContext", bytes: flushContext(parent) };
  }
}

/** Unseals a key if this boot is one that it is sealed to. The nonce has 16 to 32 random bytes. */
export function* unsealKey({ to, object }: SealedKey, nonce: Uint8Array, sha256: Sha256): TpmDialogue<Unsealed> {
  const { session } = yield* transact("StartAuthSession", startPolicySession(nonce), readSessionNonce);
  try {
    const closed = yield* closedBy(session, to, sha256);
    if (closed !== undefined) return { kind: "closed", pcrs: closed };
    yield* transact("PolicyPCR", policyPcr(session, sealedPcrs.start), () => true);
    const last = yield { name: "PolicyOR", bytes: policyOr(session, policyStages(to, sha256).branches) };
    if (last.kind === "refused") return { kind: "closed", pcrs: sealedPcrs.start };
    return { kind: "opened", key: yield* unsealIn(session, object) };
  } finally {
    yield { name: "FlushContext", bytes: flushContext(session) };
  }
}

/**
 * Why a sealed key would not have opened at the start of this boot; undefined if it would: this TPM loads it, and PCR 4, 8 and 9 are
 * those of a boot that it is sealed to. The system that runs cannot unseal it, because PCR 15 is extended.
 */
export function* whyNotOpened(
  { to, object }: SealedKey,
  nonce: Uint8Array,
  sha256: Sha256,
): TpmDialogue<readonly number[] | undefined> {
  const parent = yield* makeStorageKey();
  try {
    const loaded = yield* transact("Load", loadSealed(parent, object), readLoaded);
    yield { name: "FlushContext", bytes: flushContext(loaded) };
  } finally {
    yield { name: "FlushContext", bytes: flushContext(parent) };
  }
  const { session } = yield* transact("StartAuthSession", startPolicySession(nonce), readSessionNonce);
  try {
    return yield* closedBy(session, to, sha256);
  } finally {
    yield { name: "FlushContext", bytes: flushContext(session) };
  }
}

/** Keeps every system that starts from now on from unsealing by the boot path. */
export function* endUnsealing(sha256: Sha256): TpmDialogue<void> {
  const digest = sha256(encodeUtf8("birther: the root is opened"));
  for (const pcr of sealedPcrs.start) yield* transact("PCR_Extend", extendPcr(pcr, digest), () => true);
}

/** The PCRs with values that the key is not sealed to. */
function* closedBy(session: number, to: SealedTo, sha256: Sha256): TpmDialogue<readonly number[] | undefined> {
  const { firmware, grub } = policyStages(to, sha256);
  for (const { pcrs, stage } of [
    { pcrs: sealedPcrs.firmware, stage: firmware },
    { pcrs: sealedPcrs.grub, stage: grub },
  ]) {
    yield* transact("PolicyPCR", policyPcr(session, pcrs), () => true);
    if (!(yield* meetsOne(session, stage))) return pcrs;
  }
  return undefined;
}

/** A recovery that waits for its signature: session and nonce of this TPM. */
export type RecoverySession = { readonly session: number; readonly nonce: Uint8Array };

/** Starts a recovery: the authority signs its nonce (`signedMessage`). */
export function* beginRecovery(nonce: Uint8Array): TpmDialogue<RecoverySession> {
  return yield* transact("StartAuthSession", startPolicySession(nonce), readSessionNonce);
}

/** An authority's consent: the public area of its key, the purpose, and the signature. */
export type RecoveryConsent = {
  readonly verifier: Uint8Array;
  readonly purpose: Uint8Array;
  readonly signature: EcdsaSignature;
};

/** Unseals a key by an authority's consent; ends the session. Throws if the TPM refuses it. */
export function* finishRecovery(
  { to, object }: SealedKey,
  { session, nonce }: RecoverySession,
  { consent, sha256 }: { readonly consent: RecoveryConsent; readonly sha256: Sha256 },
): TpmDialogue<Uint8Array> {
  const { purpose, signature } = consent;
  try {
    const verifier = yield* transact("LoadExternal", loadVerifier(consent.verifier), readLoaded);
    try {
      const authorisation = { verifier, session, nonce, purpose, signature };
      yield* transact("PolicySigned", policySigned(authorisation), () => true);
    } finally {
      yield { name: "FlushContext", bytes: flushContext(verifier) };
    }
    yield* transact("PolicyOR", policyOr(session, policyStages(to, sha256).branches), () => true);
    return yield* unsealIn(session, object);
  } finally {
    yield { name: "FlushContext", bytes: flushContext(session) };
  }
}

function* makeStorageKey(): TpmDialogue<number> {
  const made = yield* transact("CreatePrimary", createPrimary(handles.owner, storageTemplate()), readCreated);
  return made.handle;
}

function* unsealIn(session: number, object: SealedObject): TpmDialogue<Uint8Array> {
  const parent = yield* makeStorageKey();
  try {
    const loaded = yield* transact("Load", loadSealed(parent, object), readLoaded);
    try {
      return yield* transact("Unseal", unseal(loaded, session), readUnsealed);
    } finally {
      yield { name: "FlushContext", bytes: flushContext(loaded) };
    }
  } finally {
    yield { name: "FlushContext", bytes: flushContext(parent) };
  }
}

/** Whether the session's digest is one of the alternatives; a TPM that refuses a group leaves the session as it was. */
function* meetsOne(session: number, { groups, over }: Alternatives): TpmDialogue<boolean> {
  for (const group of groups) {
    const answer = yield { name: "PolicyOR", bytes: policyOr(session, group) };
    if (answer.kind === "refused") continue;
    if (over !== undefined) yield* transact("PolicyOR", policyOr(session, over), () => true);
    return true;
  }
  return false;
}
