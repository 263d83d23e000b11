import { createHash } from "node:crypto";

/** The SHA-512 of a text or of bytes in memory, as 128 hexadecimal digits: the name of an object. */
export function sha512Of(content: string | Uint8Array): string {
  return createHash("sha512").update(content).digest("hex");
}
