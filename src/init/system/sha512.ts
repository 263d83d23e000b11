import * as host from "host";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";

/** The SHA-512 of bytes in memory, in lower-case hex. */
export function sha512Bytes(bytes: Uint8Array): string {
  return host.sha512(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
}

/** The SHA-512 of a text in UTF-8, in lower-case hex. */
export function sha512Text(text: string): string {
  return sha512Bytes(encodeUtf8(text));
}
