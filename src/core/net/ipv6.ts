/**
 * An IPv6 address: its eight groups of 16 bits. No number of 128 bits, because the engine that runs init has faults with
 * those (docs/decisions/javascript-engine.md).
 */
export type Ipv6 = readonly number[];

/** Parses an IPv6 address (RFC 4291 §2.2); undefined if the text is invalid. Zones are refused. */
export function parseIpv6(text: string): Ipv6 | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map(groupsOf);
  if (head === "invalid" || tail === "invalid") return undefined;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group (RFC 5952 §4.2.2 advises two, but one is valid).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** The 16-bit groups of one side of `::`; the last two may be written as a dotted quad. */
function groupsOf(side: string): readonly number[] | "invalid" {
  if (side === "") return [];
  const parts = side.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const quad = index === parts.length - 1 ? /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(part) : null;
    if (quad !== null) {
      const [a = 256, b = 256, c = 256, d = 256] = quad.slice(1).map(Number);
      if (Math.max(a, b, c, d) > 255) return "invalid";
      groups.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return "invalid";
  }
  return groups;
}

/** Formats an address in its canonical form (RFC 5952 §4). */
export function formatIpv6(groups: Ipv6): string {
  let [start, length] = [0, 0];
  for (let from = 0; from < 8; from += 1) {
    let to = from;
    while (to < 8 && groups[to] === 0) to += 1;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const hex = (some: readonly number[]) => some.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The canonical form of a text; undefined if it is no IPv6 address. */
export function canonicalIpv6(text: string): string | undefined {
  const address = parseIpv6(text);
  return address === undefined ? undefined : formatIpv6(address);
}

/** The 16 bytes of an address. */
export function ipv6Bytes(groups: Ipv6): Uint8Array {
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 255]));
}

/** The address in the first 16 bytes. */
export function ipv6FromBytes(bytes: Uint8Array): Ipv6 {
  return Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0));
}

export function isSameIpv6(a: Ipv6, b: Ipv6): boolean {
  return a.every((group, at) => group === b[at]);
}

/** `address + factor × step`, with whole numbers, a factor below 2^30; undefined beyond the last address. */
export function addToIpv6(address: Ipv6, factor: number, step: number): Ipv6 | undefined {
  const sum = [...address];
  let [carry, rest] = [0, step];
  for (let at = 7; at >= 0; at -= 1) {
    const value = (sum[at] ?? 0) + (rest % groupSize) * factor + carry;
    sum[at] = value % groupSize;
    carry = Math.floor(value / groupSize);
    rest = Math.floor(rest / groupSize);
  }
  return carry === 0 && (rest === 0 || factor === 0) ? sum : undefined;
}

const groupSize = 2 ** 16;

/** An IPv6 network: its first address, and the number of leading one bits in its mask. */
export type Ipv6Prefix = { readonly address: Ipv6; readonly length: number };

/** Parses `2001:db8::/64`; undefined if the text is invalid or has host bits. */
export function parseIpv6Prefix(text: string): Ipv6Prefix | undefined {
  const [addressText = "", lengthText = "", ...rest] = text.split("/");
  const address = parseIpv6(addressText);
  if (address === undefined || rest.length > 0 || !/^\d{1,3}$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  return length > 128 || !isSameIpv6(networkOf(address, length), address) ? undefined : { address, length };
}

/** Whether an address is in a network. */
export function ipv6PrefixContains({ address, length }: Ipv6Prefix, other: Ipv6): boolean {
  return isSameIpv6(networkOf(other, length), address);
}

/** The address without the bits behind the first `length` ones. */
function networkOf(address: Ipv6, length: number): Ipv6 {
  return address.map((group, at) => {
    const hostBits = Math.min(16, Math.max(0, 16 * (at + 1) - length));
    return group & ~(2 ** hostBits - 1);
  });
}
