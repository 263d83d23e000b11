import { textFromBytes } from "./text.ts";

/** Replaces invalid UTF-8 and unpaired surrogates (Unicode 15 §5.22). */
const replacement = 0xfffd;

/** Limit of bytes per call of String.fromCharCode, because engines limit the number of arguments. */
const pieceLength = 4096;

/** The UTF-8 bytes of a text (RFC 3629); QuickJS has no TextEncoder. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    let point = text.codePointAt(index) ?? replacement;
    if (point >= 0xd800 && point <= 0xdfff) point = replacement;
    if (point < 0x80) {
      bytes[length++] = point;
      continue;
    }
    if (point < 0x800) {
      bytes[length++] = 0xc0 | (point >> 6);
    } else {
      if (point < 0x10000) {
        bytes[length++] = 0xe0 | (point >> 12);
      } else {
        index += 1;
        bytes[length++] = 0xf0 | (point >> 18);
        bytes[length++] = 0x80 | ((point >> 12) & 0x3f);
      }
      bytes[length++] = 0x80 | ((point >> 6) & 0x3f);
    }
    bytes[length++] = 0x80 | (point & 0x3f);
  }
  return bytes.slice(0, length);
}

/** First byte of a sequence → number of bytes that follow, smallest code point that needs them, bits of the first byte. */
const leads = [
  { mask: 0xe0, lead: 0xc0, following: 1, smallest: 0x80 },
  { mask: 0xf0, lead: 0xe0, following: 2, smallest: 0x800 },
  { mask: 0xf8, lead: 0xf0, following: 3, smallest: 0x10000 },
] as const;

/** Decodes the code point at an offset and its length; each invalid byte becomes one replacement character. */
function readPoint(bytes: Uint8Array, at: number): { readonly point: number; readonly length: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { point: first, length: 1 };
  const kind = leads.find(({ mask, lead }) => (first & mask) === lead);
  if (kind === undefined) return { point: replacement, length: 1 };
  let point = first & ~kind.mask & 0xff;
  for (let step = 1; step <= kind.following; step += 1) {
    const next = bytes[at + step] ?? 0;
    if ((next & 0xc0) !== 0x80) return { point: replacement, length: 1 };
    point = (point << 6) | (next & 0x3f);
  }
  const valid = point >= kind.smallest && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
  return valid ? { point, length: kind.following + 1 } : { point: replacement, length: 1 };
}

/** Decodes ASCII, which is nearly all of a large directive. */
const ascii = /^[\0-\x7f]*$/;

/** Decodes UTF-8; never throws: invalid bytes become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  const pieces: string[] = [];
  let units: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (units.length === 0) {
      // In QuickJS, the engine's own loops are many times faster than ours.
      const piece = textFromBytes(bytes, at, Math.min(at + pieceLength, bytes.length));
      if (ascii.test(piece)) {
        pieces.push(piece);
        at += piece.length;
        continue;
      }
    }
    const { point, length } = readPoint(bytes, at);
    at += length;
    if (point < 0x10000) units.push(point);
    else units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
    if (units.length >= pieceLength) {
      pieces.push(String.fromCharCode(...units));
      units = [];
    }
  }
  pieces.push(String.fromCharCode(...units));
  return pieces.join("");
}
