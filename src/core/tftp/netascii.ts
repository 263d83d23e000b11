import { builtBytes, createBuilder, putUnsigned } from "../bytes/builder.ts";

/** A file as netascii carries it (RFC 764): LF becomes CR LF, a lone CR becomes CR NUL; the client turns it back. */
export function netasciiOf(bytes: Uint8Array): Uint8Array {
  const builder = createBuilder(bytes.length + 64);
  for (const byte of bytes) {
    if (byte === 10) putUnsigned(builder, 13, 1);
    putUnsigned(builder, byte, 1);
    if (byte === 13) putUnsigned(builder, 0, 1);
  }
  return builtBytes(builder);
}
