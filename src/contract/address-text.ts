/** Addresses at the edges: numbers inside, dotted quads in JSON, endpoints as `ADDRESS:PORT`. */
import * as v from "valibot";
import { type Endpoint, parseEndpoint } from "../core/net/endpoint.ts";
import { formatIpv4, type Ipv4, parseIpv4 } from "../core/net/ipv4.ts";

/** A type with its addresses as dotted quads, at whatever depth: its form in JSON. */
export type AddressesAsText<T> = T extends Ipv4 | Endpoint
  ? string
  : T extends string | number | boolean | null | undefined
    ? T
    : { [K in keyof T]: AddressesAsText<T[K]> };

/** Reads a text as the value that `parse` makes of it; `expected` says what the text should be. */
function readBy<T>(parse: (text: string) => T | undefined, expected: string) {
  return v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({
        message: `expected ${expected}`,
        expected,
        received: JSON.stringify(dataset.value.slice(0, 60)),
      });
      return NEVER;
    }),
  );
}

/** Reads a dotted quad as the address that it is. */
export const ipv4 = readBy(parseIpv4, "an IPv4 address");

/** Reads `ADDRESS:PORT`. */
export const endpoint = readBy(parseEndpoint, "ADDRESS:PORT");

/** A value with its address as text. */
export function withAddressText<T extends { readonly address: Ipv4 }>(
  given: T,
): Omit<T, "address"> & { readonly address: string } {
  const { address, ...rest } = given;
  return { ...rest, address: formatIpv4(address) };
}
