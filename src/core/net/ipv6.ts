/** Parses an IPv6 address (RFC 4291 §2.2), as its 128-bit number; undefined if the text is invalid. Zones are refused. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map(groupsOf);
  if (head === "invalid" || tail === "invalid") return undefined;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group (RFC 5952 §4.2.2 advises two, but one is valid).
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, group) => value * 65_536n + BigInt(group), 0n);
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
export function formatIpv6(address: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => Number((address >> BigInt(112 - 16 * index)) & 0xffffn));
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
export function ipv6Bytes(address: bigint): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, index) => Number((address >> BigInt(120 - 8 * index)) & 0xffn));
}

/** The address in 16 bytes. */
export function ipv6FromBytes(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n);
}

/** An IPv6 network: its first address, and the number of leading one bits in its mask. */
export type Ipv6Prefix = { readonly address: bigint; readonly length: number };

/** Parses `2001:db8::/64`; undefined if the text is invalid or has host bits. */
export function parseIpv6Prefix(text: string): Ipv6Prefix | undefined {
  const [addressText = "", lengthText = "", ...rest] = text.split("/");
  const address = parseIpv6(addressText);
  if (address === undefined || rest.length > 0 || !/^\d{1,3}$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > 128 || (address & hostMask(length)) !== 0n) return undefined;
  return { address, length };
}

/** Whether an address is in a network. */
export function ipv6PrefixContains({ address, length }: Ipv6Prefix, other: bigint): boolean {
  return (other & ~hostMask(length)) === address;
}

function hostMask(length: number): bigint {
  return (1n << BigInt(128 - length)) - 1n;
}
