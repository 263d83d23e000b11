import { formatIpv4, parseIpv4 } from "../net/ipv4.ts";
import { formatIpv6, parseIpv6 } from "../net/ipv6.ts";

/** `first + Σ group × step`, or why there is no such address; `first` is an IPv4 or IPv6 address. */
export function addressAt(
  { first, step }: { readonly first: string; readonly step: { readonly [group: string]: number } },
  position: { readonly [group: string]: string },
): { readonly kind: "address"; readonly text: string } | { readonly kind: "none"; readonly reason: string } {
  const ipv4 = parseIpv4(first);
  const start = ipv4 === undefined ? parseIpv6(first) : BigInt(ipv4);
  if (start === undefined) return none(`expected an IPv4 or IPv6 address, found "${first}"`);
  let value = start;
  for (const [group, each] of Object.entries(step)) {
    const text = position[group];
    if (text === undefined) return none(`the group "${group}" matched nothing`);
    if (!/^\d{1,9}$/.test(text)) return none(`expected a number in the group "${group}", found "${text}"`);
    value += BigInt(text) * BigInt(each);
  }
  if (ipv4 !== undefined) {
    const text = value <= 0xffffffffn ? formatIpv4(Number(value) as never) : undefined;
    return text === undefined
      ? none("the computed address is outside the IPv4 address space")
      : { kind: "address", text };
  }
  if (value >> 128n !== 0n) return none("the computed address is outside the IPv6 address space");
  return { kind: "address", text: formatIpv6(value) };
}

function none(reason: string) {
  return { kind: "none", reason } as const;
}
