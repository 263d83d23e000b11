import { createHash } from "node:crypto";

/** The SHA-512 of a text or of bytes in memory, as 128 hexadecimal digits: the name of an object. */
export function sha512Of(content: string | Uint8Array): string {
  return createHash("sha512").update(content).digest("hex");
}

/** Whether a text is a SHA-512 in our form; anything else must not become a path. */
export function isObjectName(text: string): boolean {
  return /^[0-9a-f]{128}$/.test(text);
}
