import * as host from "host";
import { bytesFromHex } from "../../core/bytes/text.ts";

/** The SHA-256 of bytes in memory. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = bytesFromHex(host.sha256(bytes.slice().buffer, 0, bytes.length));
  if (digest === undefined) throw new Error("sha256: expected hex digits of the native module");
  return digest;
}
