declare const ipv4Brand: unique symbol;

/** An IPv4 address as an unsigned 32-bit number in host order, which makes arithmetic and comparison simple. */
export type Ipv4 = number & { readonly [ipv4Brand]: true };

/** 0.0.0.0: "no address" in DHCP header fields (RFC 2131 §2). */
export const noAddress = 0 as Ipv4;

/** 255.255.255.255: the limited broadcast address (RFC 919 §7). */
export const broadcastAddress = 0xffffffff as Ipv4;

/**
 * Whether a host can have this address: not in 0/8, 127/8 or 224/4 (multicast), and not the limited broadcast (RFC 1122
 * §3.2.1.3).
 */
export function isUnicast(address: Ipv4): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first >>> 4 !== 14 && address !== broadcastAddress;
}

/** Parses dotted-quad text; undefined if it is invalid. */
export function parseIpv4(text: string): Ipv4 | undefined {
  const trimmed = text.trim();
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  // Without a regular expression, because every request of a known machine parses its address, and a match would
  // allocate six strings.
  for (let at = 0; at < trimmed.length; at += 1) {
    const code = trimmed.charCodeAt(at);
    if (code === dot && digits > 0) {
      value = value * 256 + part;
      part = 0;
      digits = 0;
      dots += 1;
    } else if (code >= zero && code <= nine) {
      part = part * 10 + code - zero;
      digits += 1;
      if (digits > 3 || part > 255) return undefined;
    } else return undefined;
  }
  return dots === 3 && digits > 0 ? ((value * 256 + part) as Ipv4) : undefined;
}

const [dot, zero, nine] = [46, 48, 57];

/** Formats an address as dotted-quad text. */
export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Adds `count` to an address; the caller keeps the result within 32 bits. */
export function addToIpv4(address: Ipv4, count: number): Ipv4 {
  return ((address + count) >>> 0) as Ipv4;
}

/** A network: its first address and the number of leading one bits in its mask. */
export type Prefix = { readonly address: Ipv4; readonly length: number };

/** Parses `10.1.0.0/16` and clears the host bits; undefined if the text is invalid. */
export function parsePrefix(text: string): Prefix | undefined {
  const [addressText, lengthText, ...rest] = text.split("/");
  if (addressText === undefined || lengthText === undefined || rest.length > 0) return undefined;
  const address = parseIpv4(addressText);
  if (address === undefined || !/^\d{1,2}$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > 32) return undefined;
  return { address: ((address & prefixMask(length)) >>> 0) as Ipv4, length };
}

/** Formats a prefix as `10.1.0.0/16`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatIpv4(prefix.address)}/${prefix.length}`;
}

/** The mask of a prefix length; 24 gives 255.255.255.0. */
export function prefixMask(length: number): Ipv4 {
  return (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0) as Ipv4;
}

/** The prefix length of a mask; undefined for one with gaps, such as 255.0.255.0. */
export function maskLength(mask: Ipv4): number | undefined {
  const length = 32 - Math.log2(2 ** 32 - mask);
  return Number.isInteger(length) ? length : undefined;
}

/** Whether an address is in a network. */
export function prefixContains(prefix: Prefix, address: Ipv4): boolean {
  return (address & prefixMask(prefix.length)) >>> 0 === prefix.address;
}

/** The broadcast address of a network. */
export function prefixBroadcast(prefix: Prefix): Ipv4 {
  return ((prefix.address | ~prefixMask(prefix.length)) >>> 0) as Ipv4;
}

/**
 * Whether an address is the first or last one of a network, which no host has; in a /31 or /32 all addresses are for
 * hosts (RFC 3021).
 */
export function isPrefixEdge(prefix: Prefix, address: Ipv4): boolean {
  return prefix.length < 31 && (address === prefix.address || address === prefixBroadcast(prefix));
}
