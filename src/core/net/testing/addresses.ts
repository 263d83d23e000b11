/** Addresses in tests, from text. All functions throw if the text is invalid. */

import { type Ipv4, type Prefix, parseIpv4, parsePrefix } from "../ipv4.ts";
import { type Mac, parseMac } from "../mac.ts";

/** `ip("10.77.0.1")`. */
export const ip = (text: string): Ipv4 => read(text, "an IPv4 address", parseIpv4);

/** `prefix("10.77.0.0/24")`. */
export const prefix = (text: string): Prefix => read(text, "an IPv4 prefix", parsePrefix);

/** `macOf("52:54:00:00:00:01")`. */
export const macOf = (text: string): Mac => read(text, "a MAC address", parseMac);

function read<T>(text: string, what: string, parse: (text: string) => T | undefined): T {
  const value = parse(text);
  if (value === undefined) throw new Error(`test: expected ${what}, found "${text}"`);
  return value;
}
