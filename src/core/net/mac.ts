import { uint8At } from "../bytes/big-endian.ts";

declare const macBrand: unique symbol;

/** A 48-bit MAC address in canonical form: six lower-case hex pairs, separated by colons. */
export type Mac = string & { readonly [macBrand]: true };

/** Parses `aa:bb:cc:dd:ee:ff`, `AA-BB-…` or twelve hex digits; undefined if the text is invalid. */
export function parseMac(text: string): Mac | undefined {
  const digits = text.trim().toLowerCase().replace(/[:-]/g, "");
  if (!/^[0-9a-f]{12}$/.test(digits)) return undefined;
  return (digits.match(/../g) ?? []).join(":") as Mac;
}

const hexDigits = "0123456789abcdef";
const colon = 58;

/** The address in the first six bytes, in wire order. */
export function macFromBytes(bytes: Uint8Array): Mac {
  // Builds the text in one piece: it is a key of maps, and the engine would first have to flatten a concatenated
  // string.
  const characters: number[] = [];
  for (let at = 0; at < Math.min(6, bytes.length); at += 1) {
    const byte = uint8At(bytes, at);
    if (at > 0) characters.push(colon);
    characters.push(hexDigits.charCodeAt(byte >> 4), hexDigits.charCodeAt(byte & 15));
  }
  return String.fromCharCode(...characters) as Mac;
}

/** The six bytes of an address, in wire order. */
export function macToBytes(mac: Mac): Uint8Array {
  const bytes = new Uint8Array(6);
  for (let at = 0; at < 6; at += 1) bytes[at] = Number.parseInt(mac.slice(3 * at, 3 * at + 2), 16);
  return bytes;
}
