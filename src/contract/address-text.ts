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

/** Reads a dotted quad as the address that it is. */
export const ipv4 = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Ipv4 => {
    const address = parseIpv4(dataset.value);
    if (address !== undefined) return address;
    addIssue({
      message: "expected an IPv4 address",
      expected: "an IPv4 address",
      received: JSON.stringify(dataset.value.slice(0, 60)),
    });
    return NEVER;
  }),
);

/** Reads `ADDRESS:PORT`. */
export const endpoint = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): Endpoint => {
    const parsed = parseEndpoint(dataset.value);
    if (parsed !== undefined) return parsed;
    addIssue({
      message: "expected ADDRESS:PORT",
      expected: "ADDRESS:PORT",
      received: JSON.stringify(dataset.value.slice(0, 60)),
    });
    return NEVER;
  }),
);

/** A value with its address as text. */
export function withAddressText<T extends { readonly address: Ipv4 }>(
  given: T,
): Omit<T, "address"> & { readonly address: string } {
  const { address, ...rest } = given;
  return { ...rest, address: formatIpv4(address) };
}
