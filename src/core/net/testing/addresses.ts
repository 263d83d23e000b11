/** Addresses of tests, from the text that people write. Both throw on a text that is none. */

import { type Ipv4, type Prefix, parseIpv4, parsePrefix } from "../ipv4.ts";

/** `ip("10.77.0.1")`. */
export const ip = (text: string): Ipv4 => read(text, parseIpv4);

/** `prefix("10.77.0.0/24")`. */
export const prefix = (text: string): Prefix => read(text, parsePrefix);

function read<T>(text: string, parse: (text: string) => T | undefined): T {
  const value = parse(text);
  if (value === undefined) throw new Error(`test: expected an IPv4 address or prefix, found "${text}"`);
  return value;
}
