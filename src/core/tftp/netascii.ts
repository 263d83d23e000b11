/** Maximum size of a text file; converting a larger one would block other clients for too long. */
export const netasciiLimitBytes = 4 * 1024 * 1024;

/** Encodes a file as netascii (RFC 764): LF becomes CR LF, a lone CR becomes CR NUL; the client decodes it. */
export function netasciiOf(bytes: Uint8Array): Uint8Array {
  const changed = new Uint8Array(bytes.length * 2);
  let length = 0;
  for (const byte of bytes) {
    if (byte === 10) changed[length++] = 13;
    changed[length++] = byte;
    if (byte === 13) changed[length++] = 0;
  }
  return changed.slice(0, length);
}
