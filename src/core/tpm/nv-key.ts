import { sameBytes } from "../bytes/text.ts";
import { misshapen, refusedBy, type TpmAnswer, type TpmDialogue, transact } from "./dialogue.ts";
import {
  type NvArea,
  nvAttributes,
  nvDefine,
  nvRead,
  nvReadLock,
  nvReadPublic,
  nvUndefine,
  nvWrite,
  readNvArea,
  readNvData,
} from "./nv-command.ts";
import { codeText } from "./response.ts";

/**
 * The index that holds the root disk's key, and the one by which a birth tries whether the TPM takes such an index. Among those that
 * are the owner's to give (TCG Registry of Reserved TPM 2.0 Handles, 2.2).
 */
export const keyIndex = 0x01b1_7e40;
const trialIndex = 0x01b1_7e41;

/** TPM_RC_HANDLE, of whichever handle: there is no such index. */
const isAbsent = (code: number) => (code & 0x0bf) === 0x08b;
/** TPM_RC_NV_SPACE, NV_LOCKED (Part 2, 6.6.3). */
const rc = { space: 0x14b, locked: 0x148 } as const;

/** What a TPM's refusal means for a person; without the number, which goes with it. */
function meaningOf(code: number): string | undefined {
  // Those of format one name a handle, parameter or session beside the error.
  const error = (code & 0x080) === 0 ? code : code & 0x0bf;
  switch (error) {
    case rc.space:
      return "its memory for such data (NV) is full";
    case 0x0a2:
    case 0x08e:
      return "its owner hierarchy has a password";
    case 0x085:
      return "its owner hierarchy is disabled";
    case 0x921:
      return "it is locked out after wrong passwords";
    case rc.locked:
      return "the key was read in this boot already";
    default:
      return undefined;
  }
}

/** The error of a refusal, with its meaning if that is known. */
function refusal(name: string, code: number): Error {
  const meaning = meaningOf(code);
  return meaning === undefined ? refusedBy(name, code) : new Error(`TPM: ${name}: ${meaning} (${codeText(code)})`);
}

function* mustDo(name: string, bytes: Uint8Array): TpmDialogue<TpmAnswer & { readonly kind: "done" }> {
  const answer = yield { name, bytes };
  if (answer.kind === "refused") throw refusal(name, answer.code);
  return answer;
}

/** An index of this number; undefined if there is none. */
function* areaOf(index: number): TpmDialogue<NvArea | undefined> {
  const name = "NV_ReadPublic";
  const answer = yield { name, bytes: nvReadPublic(index) };
  if (answer.kind === "refused") {
    if (isAbsent(answer.code)) return undefined;
    throw refusal(name, answer.code);
  }
  const area = readNvArea(answer.body);
  if (area === undefined) throw misshapen(name);
  return area;
}

/** Whether an index can be none but ours; other software may have taken the number. */
function demandOurs({ index, attributes, size }: NvArea, byteCount: number): void {
  if (attributes === nvAttributes && size === byteCount) return;
  throw new Error(
    `TPM: index 0x${index.toString(16)}: expected none, or a disk key of Birther's, found data of other software (${size} bytes, attributes 0x${attributes.toString(16)})`,
  );
}

/**
 * Tries whether the TPM keeps a key: makes another index of that size, writes, reads, locks and removes it. Throws with the reason
 * if it does not. Touches no key; a TPM that is full with our own former key counts as good, because that goes first.
 */
export function* tryToKeep(byteCount: number): TpmDialogue<void> {
  const former = yield* areaOf(keyIndex);
  if (former !== undefined) demandOurs(former, byteCount);
  const left = yield* areaOf(trialIndex);
  if (left !== undefined) {
    demandOurs(left, byteCount);
    yield* mustDo("NV_UndefineSpace", nvUndefine(trialIndex));
  }
  const defined = yield { name: "NV_DefineSpace", bytes: nvDefine(trialIndex, byteCount) };
  if (defined.kind === "refused") {
    if (defined.code === rc.space && former !== undefined) return;
    throw refusal("NV_DefineSpace", defined.code);
  }
  try {
    const data = new Uint8Array(byteCount).fill(0x5a);
    yield* mustDo("NV_Write", nvWrite(trialIndex, data));
    const read = yield* transact("NV_Read", nvRead(trialIndex, byteCount), readNvData);
    if (!sameBytes(read, data)) throw new Error("TPM: NV_Read: expected what was written, found other bytes");
    yield* mustDo("NV_ReadLock", nvReadLock(trialIndex));
    const locked = yield { name: "NV_Read", bytes: nvRead(trialIndex, byteCount) };
    if (locked.kind === "done") throw new Error("TPM: NV_Read: expected a refusal after NV_ReadLock, found the data");
  } finally {
    yield { name: "NV_UndefineSpace", bytes: nvUndefine(trialIndex) };
  }
}

/** Keeps a key in the TPM, and reads it back. Throws if the TPM holds something else then, or has an index of that number. */
export function* keepKey(key: Uint8Array): TpmDialogue<void> {
  yield* mustDo("NV_DefineSpace", nvDefine(keyIndex, key.length));
  yield* mustDo("NV_Write", nvWrite(keyIndex, key));
  const kept = yield* readKey(key.length);
  if (!sameBytes(kept, key)) throw new Error("TPM: NV_Read: expected the disk key, found other bytes");
}

/** The key in the TPM; throws if there is none, or if it was locked in this boot. */
export function* readKey(byteCount: number): TpmDialogue<Uint8Array> {
  const answer = yield { name: "NV_Read", bytes: nvRead(keyIndex, byteCount) };
  if (answer.kind === "refused") {
    if (isAbsent(answer.code))
      throw new Error("TPM: expected the disk key of this machine, found none: it was cleared, or is another TPM");
    throw refusal("NV_Read", answer.code);
  }
  const key = readNvData(answer.body);
  if (key === undefined || key.length !== byteCount) throw misshapen("NV_Read");
  return key;
}

/** Keeps every system from reading the key until the machine starts anew. */
export function* lockKey(): TpmDialogue<void> {
  yield* mustDo("NV_ReadLock", nvReadLock(keyIndex));
}

/**
 * Destroys the key, and asks the TPM whether it is gone; returns whether there was one. Throws if the TPM keeps it, or if the index is not ours.
 */
export function* destroyKey(byteCount: number): TpmDialogue<boolean> {
  const area = yield* areaOf(keyIndex);
  if (area === undefined) return false;
  demandOurs(area, byteCount);
  yield* mustDo("NV_UndefineSpace", nvUndefine(keyIndex));
  if ((yield* areaOf(keyIndex)) !== undefined)
    throw new Error("TPM: NV_UndefineSpace: expected the disk key to be gone, found that the TPM keeps it");
  return true;
}
