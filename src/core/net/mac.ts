declare const macBrand: unique symbol;

/** A 48-bit hardware address in its one canonical spelling: six lower-case hex pairs joined by colons. */
export type Mac = string & { readonly [macBrand]: true };

/** Reads `aa:bb:cc:dd:ee:ff`, `AA-BB-…` or twelve bare hex digits; undefined if the text is none of them. */
export function parseMac(text: string): Mac | undefined {
  const digits = text.trim().toLowerCase().replace(/[:-]/g, "");
  if (!/^[0-9a-f]{12}$/.test(digits)) return undefined;
  return (digits.match(/../g) ?? []).join(":") as Mac;
}

/** The address held in the first six bytes, as they stand on the wire. */
export function macFromBytes(bytes: Uint8Array): Mac {
  return Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join(":") as Mac;
}

/** The six bytes of an address, as they stand on the wire. */
export function macToBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(":"), (pair) => Number.parseInt(pair, 16));
}
