/** Limit of bytes per call of String.fromCharCode, because engines limit the number of arguments. */
const pieceLength = 4096;

/**
 * Reads text of network protocols, one character per byte (ISO 8859-1), so that any bytes can be read and written back
 * unchanged. DHCP's "NVT ASCII" (RFC 2132 §2) and TFTP's netascii (RFC 1350 §1) are subsets of it. With `start` and
 * `end`, reads a part of the bytes.
 */
export function textFromBytes(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  // One call per byte would make one string per byte.
  for (let at = start; at < end; at += pieceLength) {
    const piece = bytes.subarray(at, Math.min(end, at + pieceLength));
    text += Reflect.apply(String.fromCharCode, undefined, piece);
  }
  return text;
}

/** The bytes of a text that `textFromBytes` has read; a character beyond 255 becomes `?`. */
export function bytesFromText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    bytes[index] = code <= 255 ? code : 63;
  }
  return bytes;
}

/** Lower-case hex, two digits per byte. */
export function hexFromBytes(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/** The bytes of hex digits (spaces allowed); undefined if the text is invalid. */
export function bytesFromHex(hex: string): Uint8Array | undefined {
  const digits = hex.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Whether two byte arrays are equal. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  return left.every((byte, index) => byte === right[index]);
}
