const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The bytes of base64 text (RFC 4648 §4); white space and padding are skipped. */
export function bytesFromBase64(text: string): Uint8Array {
  const digits = text.replace(/[\s=]/g, "");
  const bytes = new Uint8Array(Math.floor((digits.length * 6) / 8));
  let [bits, held, length] = [0, 0, 0];
  for (const character of digits) {
    held = (held * 64 + alphabet.indexOf(character)) % 2 ** 20;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length] = Math.floor(held / 2 ** bits) % 256;
    length += 1;
  }
  return bytes;
}
