import { plainText } from "../bytes/plain-text.ts";
import type { BootOrder } from "../machine/storage.ts";
import { type Mac, macFromBytes } from "../net/mac.ts";

/** The name of our boot entry in the firmware's menu; an existing entry of this name is replaced. */
export const bootEntryName = "Birther";
/** That of the second disk of a mirrored root. */
export const mirrorEntryName = "Birther mirror";
const ownNames = [bootEntryName, mirrorEntryName];

/** The fields of a boot option that we need. `network`: its path leads through a NIC, or its name says so. */
export type BootOption = {
  readonly number: number;
  readonly name: string;
  readonly network: boolean;
  /** The address of that NIC, if it is Ethernet. */
  readonly mac?: Mac;
};

/** The GPT partition that a load option refers to. */
export type BootPartition = {
  readonly number: number;
  readonly firstSector: number;
  readonly sectorCount: number;
  readonly uuid: string;
};

/** Device path node types and subtypes (UEFI 2.10 §10.3). */
const messaging = 3;
const macSubtype = 11;
/** MAC, IPv4, IPv6, URI, Wi-Fi, DNS. */
const networkSubtypes: readonly number[] = [macSubtype, 12, 13, 24, 28, 31];
const biosBootNode = { type: 5, subtype: 1 } as const;
/** The device type of an embedded network in a node of the BIOS Boot Specification (UEFI 2.10 §10.3.6). */
const biosNetwork = 0x80;
const biosEmbedded = 0x06;
/** Names of network entries whose path is a bare vendor node. */
const networkName = /\b(PXE|NIC|LAN|Ethernet|Network|HTTPs? ?(Boot|v[46])|IP ?v?[46])/i;
const hardDriveNode = { type: 4, subtype: 1 } as const;
const fileNode = { type: 4, subtype: 4 } as const;
const endNode = { type: 0x7f, subtype: 0xff } as const;

/**
 * Writes an EFI_LOAD_OPTION (UEFI 2.10 §3.1.3) for a file on a GPT partition, in the short form that begins with HD():
 * the firmware finds the partition by its GUID, whatever controller the disk is attached to.
 */
export function writeLoadOption(name: string, partition: BootPartition, file: string): Uint8Array {
  const path = [
    ...node(hardDriveNode, [
      ...unsigned(partition.number, 4),
      ...unsigned(partition.firstSector, 8),
      ...unsigned(partition.sectorCount, 8),
      ...guidBytes(partition.uuid),
      2, // The partition table is a GPT,
      2, // and the signature is a GUID.
    ]),
    ...node(fileNode, utf16(file)),
    ...node(endNode, []),
  ];
  const active = 1;
  return Uint8Array.from([...unsigned(active, 4), ...unsigned(path.length, 2), ...utf16(name), ...path]);
}

/** Reads the name and kind of a load option; undefined if the bytes are not one. Never throws. */
export function readLoadOption(number: number, bytes: Uint8Array): BootOption | undefined {
  let at = 6;
  let name = "";
  for (;;) {
    if (at + 2 > bytes.length) return undefined;
    const unit = littleEndian(bytes, at, 2);
    at += 2;
    if (unit === 0) break;
    name += String.fromCharCode(unit);
  }
  const pathEnd = Math.min(bytes.length, at + littleEndian(bytes, 4, 2));
  let network = false;
  let mac: Mac | undefined;
  while (at + 4 <= pathEnd) {
    const length = littleEndian(bytes, at + 2, 2);
    if (isNetworkNode(bytes, at)) network = true;
    // The address is at the beginning of a field of 32 bytes (UEFI 2.10 §10.3.4.11).
    const isMac = bytes[at] === messaging && bytes[at + 1] === macSubtype && length >= 10 && at + 10 <= pathEnd;
    if (isMac) mac = macFromBytes(bytes.subarray(at + 4, at + 10));
    if (length < 4) break;
    at += length;
  }
  const shown = plainText(name);
  return { number, name: shown, network: network || networkName.test(shown), ...(mac === undefined ? {} : { mac }) };
}

function isNetworkNode(bytes: Uint8Array, at: number): boolean {
  const [type, subtype = 0] = bytes.subarray(at, at + 2);
  if (type === messaging) return networkSubtypes.includes(subtype);
  if (type !== biosBootNode.type || subtype !== biosBootNode.subtype) return false;
  return [biosNetwork, biosEmbedded].includes(littleEndian(bytes, at + 4, 2));
}

export type BootEntryPlan = {
  /** The number of our entry. */
  readonly number: number;
  /** The numbers of our older entries, which are deleted. */
  readonly remove: readonly number[];
  readonly order: readonly number[];
  readonly firstBy: BootOrder["firstBy"];
};

/**
 * Places our entry behind the one by which the machine came, and before all others. That entry stays first whatever its
 * device path looks like, because a machine asks the Birther at every boot (source document, "The Birther"). If the firmware
 * does not say which entry it used, the likeliest network entry is taken for it.
 */
export function planBootEntry({
  order,
  options,
  current,
  name = bootEntryName,
}: {
  readonly order: readonly number[];
  readonly options: readonly BootOption[];
  /** The number of the entry by which the machine came. */
  readonly current: number | undefined;
  readonly name?: string;
}): BootEntryPlan {
  const isOurs = (option: BootOption) => ownNames.includes(option.name);
  // The root disk's entry is written first, and an entry for a mirror that is no more goes with the former one.
  const replaced = (option: BootOption) => (name === bootEntryName ? isOurs(option) : option.name === name);
  const ours = options.filter(replaced).map((option) => option.number);
  const taken = new Set([...options.map((option) => option.number), ...order]);
  let number = ours[0] ?? 0;
  while (ours.length === 0 && taken.has(number)) number += 1;

  const network = new Set(options.filter((option) => option.network).map((option) => option.number));
  const came = options.find((option) => option.number === current && !isOurs(option))?.number;
  const guess = order.find((each) => network.has(each)) ?? [...network][0];
  const used = came ?? guess;
  const before = options.filter((option) => isOurs(option) && !replaced(option)).map((option) => option.number);
  const first = [...(used === undefined ? [] : [used]), ...before, number];
  const others = order.filter((each) => !first.includes(each) && !ours.includes(each));
  const firstBy = came !== undefined ? "bootCurrent" : guess !== undefined ? "guess" : "none";
  return { number, remove: ours.slice(1), order: [...first, ...others], firstBy };
}

/** Reads the numbers in a value of BootOrder or BootCurrent. */
export function readBootOrder(value: Uint8Array): readonly number[] {
  const order: number[] = [];
  for (let at = 0; at + 2 <= value.length; at += 2) order.push(littleEndian(value, at, 2));
  return order;
}

/** Writes the value of BootOrder for these numbers. */
export function writeBootOrder(order: readonly number[]): Uint8Array {
  return Uint8Array.from(order.flatMap((number) => unsigned(number, 2)));
}

function node(
  kind: { readonly type: number; readonly subtype: number },
  content: readonly number[],
): readonly number[] {
  return [kind.type, kind.subtype, ...unsigned(content.length + 4, 2), ...content];
}

/** Little-endian bytes; numbers beyond 32 bits are split by division, because shifts work on 32 bits. */
function unsigned(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** index) % 256);
}

function littleEndian(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let index = size - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}

/** UTF-16 with its terminating zero. */
function utf16(text: string): number[] {
  return [...Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)), 0].flatMap((unit) =>
    unsigned(unit, 2),
  );
}

/** A GUID as EFI stores it: the first three fields little-endian (UEFI 2.10 appendix A). */
function guidBytes(uuid: string): number[] {
  const [a = "", b = "", c = "", ...rest] = uuid.split("-");
  const pairs = (text: string) => (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  return [...pairs(a).reverse(), ...pairs(b).reverse(), ...pairs(c).reverse(), ...pairs(rest.join(""))];
}
