import { formatIpv4, type Ipv4, parseIpv4 } from "../net/ipv4.ts";
import { addToIpv6, formatIpv6, type Ipv6, parseIpv6 } from "../net/ipv6.ts";

/** `first + Σ group × step`, or why there is no such address; `first` is an IPv4 or IPv6 address. */
export function addressAt(
  { first, step }: { readonly first: string; readonly step: { readonly [group: string]: number } },
  position: { readonly [group: string]: string },
): { readonly kind: "address"; readonly text: string } | { readonly kind: "none"; readonly reason: string } {
  const parts: (readonly [number: number, each: number])[] = [];
  for (const [group, each] of Object.entries(step)) {
    const text = position[group];
    if (text === undefined) return none(`the group "${group}" matched nothing`);
    if (!/^\d{1,9}$/.test(text)) return none(`expected a number in the group "${group}", found "${text}"`);
    parts.push([Number(text), each]);
  }
  const ipv4 = parseIpv4(first);
  if (ipv4 !== undefined) {
    // Sums that are inexact are far outside.
    const value = parts.reduce((sum, [number, each]) => sum + number * each, Number(ipv4));
    return value > 0xffffffff
      ? none("the computed address is outside the IPv4 address space")
      : { kind: "address", text: formatIpv4(value as Ipv4) };
  }
  const ipv6 = parseIpv6(first);
  if (ipv6 === undefined) return none(`expected an IPv4 or IPv6 address, found "${first}"`);
  const add = (sum: Ipv6 | undefined, [number, each]: readonly [number, number]) => sum && addToIpv6(sum, number, each);
  const value = parts.reduce(add, ipv6 as Ipv6 | undefined);
  return value === undefined
    ? none("the computed address is outside the IPv6 address space")
    : { kind: "address", text: formatIpv6(value) };
}

function none(reason: string) {
  return { kind: "none", reason } as const;
}
