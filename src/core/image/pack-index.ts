/**
 * The index of a pack. A pack is a file that holds contents one after the other; its index has one line of fixed length for each,
 * sorted by hash: `SHA-512 OFFSET LENGTH`. The SHA-512 of the index is the name of both files. So a name commits to every byte of the
 * pack, and nothing is hashed twice (docs/decisions/packs.md).
 */

/** A content of a pack: where it begins, and its length, in bytes. */
export type PackEntry = { readonly sha512: string; readonly offset: number; readonly size: number };

const hashDigits = 128;
const numberDigits = 16;
/** Bytes of a line, with its end. */
export const packLineBytes = hashDigits + 1 + numberDigits + 1 + numberDigits + 1;

const line = /^([0-9a-f]{128}) (\d{16}) (\d{16})$/;

/** The text of an index. */
export function writePackIndex(entries: readonly PackEntry[]): string {
  const sorted = [...entries].sort((a, b) => (a.sha512 < b.sha512 ? -1 : 1));
  const pad = (value: number) => String(value).padStart(numberDigits, "0");
  return sorted.map(({ sha512, offset, size }) => `${sha512} ${pad(offset)} ${pad(size)}\n`).join("");
}

/** One line of an index, without its end; undefined if it is not one. */
export function readPackLine(text: string): PackEntry | undefined {
  const [, sha512, offset, size] = line.exec(text) ?? [];
  if (sha512 === undefined) return undefined;
  const entry = { sha512, offset: Number(offset), size: Number(size) };
  return Number.isSafeInteger(entry.offset + entry.size) && entry.size > 0 ? entry : undefined;
}

/** The entries of an index in the order of the pack; a text that is none says why. */
export function readPackIndex(
  text: string,
):
  | { readonly kind: "index"; readonly entries: readonly PackEntry[] }
  | { readonly kind: "malformed"; readonly why: string } {
  if (text.length % packLineBytes !== 0)
    return { kind: "malformed", why: `expected lines of ${packLineBytes} bytes, found ${text.length} bytes` };
  const entries: PackEntry[] = [];
  for (let at = 0; at < text.length; at += packLineBytes) {
    const entry =
      text[at + packLineBytes - 1] === "\n" ? readPackLine(text.slice(at, at + packLineBytes - 1)) : undefined;
    if (entry === undefined)
      return { kind: "malformed", why: `line ${at / packLineBytes + 1}: expected SHA-512, offset and length` };
    entries.push(entry);
  }
  entries.sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const { offset, size } of entries) {
    if (offset < end) return { kind: "malformed", why: `the contents at offset ${offset} overlap` };
    end = offset + size;
  }
  return { kind: "index", entries };
}
