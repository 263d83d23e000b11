import { uint8At } from "../bytes/big-endian.ts";

declare const macBrand: unique symbol;

/** A 48-bit hardware address in its one canonical spelling: six lower-case hex pairs joined by colons. */
export type Mac = string & { readonly [macBrand]: true };

/** Reads `aa:bb:cc:dd:ee:ff`, `AA-BB-…` or twelve bare hex digits; undefined if the text is none of them. */
export function parseMac(text: string): Mac | undefined {
  const digits = text.trim().toLowerCase().replace(/[:-]/g, "");
  if (!/^[0-9a-f]{12}$/.test(digits)) return undefined;
  return (digits.match(/../g) ?? []).join(":") as Mac;
}

const hexDigits = "0123456789abcdef";
const colon = 58;

/** The address held in the first six bytes, as they stand on the wire. */
export function macFromBytes(bytes: Uint8Array): Mac {
  // All characters at once: the text is looked up in maps, and one put together of pieces is first copied into a whole.
  const characters: number[] = [];
  for (let at = 0; at < Math.min(6, bytes.length); at += 1) {
    const byte = uint8At(bytes, at);
    if (at > 0) characters.push(colon);
    characters.push(hexDigits.charCodeAt(byte >> 4), hexDigits.charCodeAt(byte & 15));
  }
  return String.fromCharCode(...characters) as Mac;
}

/** The six bytes of an address, as they stand on the wire. */
export function macToBytes(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(6);
  for (let at = 0; at < 6; at += 1) bytes[at] = Number.parseInt(mac.slice(3 * at, 3 * at + 2), 16);
  return bytes;
}
