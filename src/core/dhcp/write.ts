import { type Builder, builtBytes, createBuilder, padTo, putBytes, putUnsigned } from "../bytes/builder.ts";
import { bytesFromText } from "../bytes/text.ts";
import { type DhcpOptions, type OptionName, optionTable } from "./option-table.ts";
import { kindCodecs } from "./option-value.ts";
import { type DhcpPacket, fileLength, headerLength, magicCookie, snameLength } from "./packet.ts";

/** BOOTP's minimum (RFC 1542 §2.1); Linux's own client silently ignores shorter messages (netboot.md D10). */
const minimumLength = 300;

/** What EDK2 takes at most, as bytes of UDP payload (netboot.md D9). */
export const largestMessage = 1472;

/** Options that stand before all others: relays and ROMs look for them early (netboot.md D2). */
const firstOptions: readonly OptionName[] = ["dhcpMessageType", "serverIdentifier", "ipAddressLeaseTime"];

/**
 * The bytes of a message, at most `limitBytes` long. Options stand in the order in which they were put, after the
 * first ones; one that fits nowhere any more is left out. The relay's option 82 has its place reserved and comes last (RFC 3046 §2.2).
 */
export function writeDhcp(packet: DhcpPacket, limitBytes: number = largestMessage): Uint8Array {
  const builder = createBuilder();
  for (const value of [packet.op, packet.htype, packet.hlen, packet.hops]) putUnsigned(builder, value, 1);
  putUnsigned(builder, packet.xid, 4);
  putUnsigned(builder, packet.secs, 2);
  putUnsigned(builder, packet.flags, 2);
  for (const address of [packet.ciaddr, packet.yiaddr, packet.siaddr, packet.giaddr]) putUnsigned(builder, address, 4);
  putBytes(builder, packet.chaddr.subarray(0, 16));
  padTo(builder, 44);
  const relay = packet.options.relayAgentInformation;
  const relayBytes =
    relay === undefined ? new Uint8Array() : encodeOption(optionTable.relayAgentInformation.code, relay);
  const options = [...optionsInOrder(packet)];
  const placed = placeOptions(packet, options, limitBytes - headerLength - relayBytes.length - 1);

  // D12: the text fields end with a zero, so their last byte is never used.
  putBytes(builder, placed.sname ?? bytesFromText(packet.sname).subarray(0, snameLength - 1));
  padTo(builder, 44 + snameLength);
  putBytes(builder, placed.file ?? bytesFromText(packet.file).subarray(0, fileLength - 1));
  padTo(builder, 44 + snameLength + fileLength);
  putUnsigned(builder, magicCookie, 4);
  putBytes(builder, placed.main);
  putBytes(builder, relayBytes);
  putUnsigned(builder, endCode, 1);
  padTo(builder, minimumLength);
  return builtBytes(builder);
}

const overloadCode = 52;
const endCode = 255;

/**
 * Where the options go. As long as they fit, into the options field; else also into file and sname, if those are empty,
 * and option 52 says so (RFC 2131 §4.1). Only then, for it confuses old clients (netboot.md Q12). What fits nowhere is left out.
 */
function placeOptions(
  packet: DhcpPacket,
  options: readonly Uint8Array[],
  room: number,
): { readonly main: Uint8Array; readonly file?: Uint8Array; readonly sname?: Uint8Array } {
  if (options.reduce((sum, option) => sum + option.length, 0) <= room) return { main: joined(options) };
  const main = take(options, room - 3);
  const file = packet.file === "" ? take(main.left, fileLength - 1) : { taken: [], left: main.left };
  const sname = packet.sname === "" ? take(file.left, snameLength - 1) : { taken: [], left: file.left };
  const overload = (file.taken.length > 0 ? 1 : 0) + (sname.taken.length > 0 ? 2 : 0);
  if (overload === 0) return { main: joined(take(options, room).taken) };
  const ended = [Uint8Array.of(endCode)];
  return {
    main: joined([...main.taken, Uint8Array.of(overloadCode, 1, overload)]),
    ...(file.taken.length > 0 ? { file: joined([...file.taken, ...ended]) } : {}),
    ...(sname.taken.length > 0 ? { sname: joined([...sname.taken, ...ended]) } : {}),
  };
}

/** Those options, in order, that fit into so many bytes, and the others. */
function take(options: readonly Uint8Array[], room: number) {
  const taken: Uint8Array[] = [];
  const left: Uint8Array[] = [];
  let free = room;
  for (const option of options) {
    const fits = option.length <= free;
    (fits ? taken : left).push(option);
    if (fits) free -= option.length;
  }
  return { taken, left };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const builder = createBuilder();
  for (const piece of pieces) putBytes(builder, piece);
  return builtBytes(builder);
}

function* optionsInOrder(packet: DhcpPacket): Generator<Uint8Array> {
  for (const name of firstOptions) yield encodeNamed(packet.options, name);
  for (const name of Object.keys(packet.options) as OptionName[])
    if (!firstOptions.includes(name) && name !== "relayAgentInformation") yield encodeNamed(packet.options, name);
  for (const [code, bytes] of packet.otherOptions) yield encodeOption(code, bytes);
}

function encodeNamed(options: DhcpOptions, name: OptionName): Uint8Array {
  const value = options[name];
  if (value === undefined) return new Uint8Array();
  const { code, kind } = optionTable[name];
  // The table ties kind and value together; the compiler cannot follow that through an index.
  return encodeOption(code, (kindCodecs[kind].write as (value: unknown) => Uint8Array)(value));
}

/** One option; more than 255 bytes are split into pieces (RFC 3396 §6). */
function encodeOption(code: number, value: Uint8Array): Uint8Array {
  const builder: Builder = createBuilder(value.length + 2);
  for (let start = 0; start === 0 || start < value.length; start += 255) {
    const piece = value.subarray(start, start + 255);
    putUnsigned(builder, code, 1);
    putUnsigned(builder, piece.length, 1);
    putBytes(builder, piece);
  }
  return builtBytes(builder);
}
