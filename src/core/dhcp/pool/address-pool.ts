import { addToIpv4, type Ipv4 } from "../../net/ipv4.ts";
import { type Mac, macToBytes } from "../../net/mac.ts";

/** The first and last address of a pool of temporary addresses. */
export type AddressPool = { readonly first: Ipv4; readonly last: Ipv4 };

/** The holder of an address: a machine, or none because the address was declined (DHCPDECLINE). */
export type Holder = { readonly kind: "machine"; readonly mac: Mac } | { readonly kind: "declined" };

export type AddressChoice =
  | { readonly kind: "address"; readonly address: Ipv4 }
  /** Every address is held; `size` is their number. */
  | { readonly kind: "exhausted"; readonly size: number };

/** Counts the recorded addresses from `first` to `last`, both included, without walking through them. */
export type RecordedIn = (first: Ipv4, last: Ipv4) => number;

/**
 * Chooses an address for a MAC address: the requested one if it is free, else the next free one. The search starts at a
 * position derived from the MAC, so that a client gets the same address again even without a record. Client identifiers do
 * not count, because ROM, loader and system of one machine send different ones (netboot.md Q9).
 */
export function chooseAddress(
  pool: AddressPool,
  client: {
    readonly mac: Mac;
    readonly holderOf: (address: Ipv4) => Holder | undefined;
    readonly wanted: Ipv4 | undefined;
    /** The number of recorded addresses from `first` to `last`: what is full is not searched address by address. */
    readonly recordedIn?: RecordedIn;
  },
): AddressChoice {
  const { mac, holderOf, wanted, recordedIn } = client;
  const isFree = (address: Ipv4) => {
    const holder = holderOf(address);
    return holder === undefined || (holder.kind === "machine" && holder.mac === mac);
  };
  if (wanted !== undefined && poolContains(pool, wanted) && isFree(wanted)) return { kind: "address", address: wanted };
  const size = poolSize(pool);
  const start = spread(mac) % size;
  for (let step = 0; step < size; ) {
    const address = addToIpv4(pool.first, (start + step) % size);
    const full = recordedIn === undefined ? 0 : fullFrom(address, pool, recordedIn);
    if (full === 0 && isFree(address)) return { kind: "address", address };
    step += Math.max(1, full);
  }
  return { kind: "exhausted", size };
}

/** Sizes of aligned blocks that are skipped when they are full: a search of a full /16 took 40 ms, in which no packet was answered. */
const blockSizes = [65_536, 256] as const;

/** The size of the block of the pool that begins at an address and is full of recorded addresses; 0 if there is none. */
function fullFrom(address: Ipv4, pool: AddressPool, recordedIn: RecordedIn): number {
  if (address % 256 !== 0) return 0;
  const isFull = (size: number) => {
    if (address % size !== 0 || address + size - 1 > pool.last) return false;
    return recordedIn(address, addToIpv4(address, size - 1)) === size;
  };
  return blockSizes.find(isFull) ?? 0;
}

/** The number of addresses in a pool. */
export function poolSize(pool: AddressPool): number {
  return pool.last - pool.first + 1;
}

/** Whether a pool contains an address. */
export function poolContains(pool: AddressPool, address: Ipv4): boolean {
  return address >= pool.first && address <= pool.last;
}

/** FNV-1a over the six bytes: neighbouring MACs map to distant positions, which keeps the search short in a filling pool. */
function spread(mac: Mac): number {
  let hash = 0x811c9dc5;
  for (const byte of macToBytes(mac)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
