import { type Builder, builtBytes, createBuilder, putBytes, putUnsigned } from "../bytes/builder.ts";
import { type Cursor, cursorOver, readBytes, readUnsigned, remaining } from "../bytes/cursor.ts";
import { readSized, type SealedObject } from "./seal-command.ts";
import type { SealedTo } from "./seal-policy.ts";

/** A sealed disk key, as it lies in a variable of the firmware. */
export type SealedKey = { readonly to: SealedTo; readonly object: SealedObject };

/** "BSK" and the version of the form. */
const head = Uint8Array.of(0x42, 0x53, 0x4b, 1);
const digestBytes = 32;

/** Writes the content of the variable. */
export function writeSealedKey({ to, object }: SealedKey): Uint8Array {
  const into = createBuilder(1024);
  putBytes(into, head);
  for (const digests of [to.firmware, to.grub, to.recovery]) putDigests(into, digests);
  for (const part of [object.privatePart, object.publicPart]) {
    putUnsigned(into, part.length, 2);
    putBytes(into, part);
  }
  return builtBytes(into);
}

function putDigests(into: Builder, digests: readonly Uint8Array[]): void {
  putUnsigned(into, digests.length, 1);
  for (const digest of digests) putBytes(into, digest);
}

/** Reads the content of the variable; undefined if it has another form. */
export function readSealedKey(bytes: Uint8Array): SealedKey | undefined {
  const from = cursorOver(bytes);
  if (!head.every((byte) => readUnsigned(from, 1) === byte)) return undefined;
  const [firmware, grub, recovery] = [takeDigests(from), takeDigests(from), takeDigests(from)];
  const [privatePart, publicPart] = [readSized(from), readSized(from)];
  if (firmware === undefined || grub === undefined || recovery === undefined) return undefined;
  if (privatePart === undefined || publicPart === undefined || remaining(from) > 0) return undefined;
  return { to: { firmware, grub, recovery }, object: { privatePart, publicPart } };
}

function takeDigests(from: Cursor): readonly Uint8Array[] | undefined {
  const count = readUnsigned(from, 1) ?? -1;
  const all = readBytes(from, count * digestBytes);
  if (all === undefined) return undefined;
  return Array.from({ length: count }, (_, index) => all.slice(index * digestBytes, (index + 1) * digestBytes));
}
