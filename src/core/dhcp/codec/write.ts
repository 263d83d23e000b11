import {
  type Builder,
  createBuilder,
  finishedBytes,
  padTo,
  putBytes,
  putText,
  putUnsigned,
} from "../../bytes/builder.ts";
import { type OptionName, optionTable } from "./option-table.ts";
import { kindCodecs } from "./option-value.ts";
import {
  chaddrLength,
  type DhcpPacket,
  fileAt,
  fileLength,
  headerLength,
  magicCookie,
  snameAt,
  snameLength,
} from "./packet.ts";

/** BOOTP's minimum (RFC 1542 §2.1); Linux's own client silently ignores shorter messages (netboot.md D10). */
const minimumLength = 300;

/** The maximum that EDK2 accepts, in bytes of UDP payload (netboot.md D9). */
export const largestMessage = 1472;

/** Options that come before all others: relays and ROMs look for them early (netboot.md D2). */
const firstOptions: readonly OptionName[] = ["dhcpMessageType", "serverIdentifier", "ipAddressLeaseTime"];

/**
 * The bytes of a message, at most `limitBytes` long. Options keep the order in which they were set, after the
 * first ones; an option that does not fit is omitted. Space for the relay's option 82 is reserved; it comes last (RFC 3046 §2.2).
 */
export function writeDhcp(packet: DhcpPacket, limitBytes: number = largestMessage): Uint8Array {
  const message = createBuilder();
  putHeader(message, packet);
  const starts = putOptions(message, packet);
  const relay = packet.options.relayAgentInformation;
  const room = limitBytes - headerLength - (relay === undefined ? 0 : lengthOnWire(relay)) - 1;
  if (message.length - headerLength > room) moveOptions(message, { packet, starts, room });
  if (relay !== undefined) putNamed(message, "relayAgentInformation", relay);
  putUnsigned(message, endCode, 1);
  padTo(message, minimumLength);
  return finishedBytes(message);
}

const overloadCode = 52;
const endCode = 255;

/** The fixed part. */
function putHeader(message: Builder, packet: DhcpPacket): void {
  const { op, htype, hlen, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, chaddr, sname, file } = packet;
  putUnsigned(message, op, 1);
  putUnsigned(message, htype, 1);
  putUnsigned(message, hlen, 1);
  putUnsigned(message, hops, 1);
  putUnsigned(message, xid, 4);
  putUnsigned(message, secs, 2);
  putUnsigned(message, flags, 2);
  putUnsigned(message, ciaddr, 4);
  putUnsigned(message, yiaddr, 4);
  putUnsigned(message, siaddr, 4);
  putUnsigned(message, giaddr, 4);
  putBytes(message, chaddr.length > chaddrLength ? chaddr.subarray(0, chaddrLength) : chaddr);
  padTo(message, snameAt);
  // D12: the text fields end with a zero, so their last byte is never used.
  putText(message, sname, snameLength - 1);
  padTo(message, fileAt);
  putText(message, file, fileLength - 1);
  padTo(message, fileAt + fileLength);
  putUnsigned(message, magicCookie, 4);
}

/** All options except the relay's information, with their offsets. */
function putOptions(message: Builder, { options, otherOptions }: DhcpPacket): readonly number[] {
  const starts: number[] = [];
  const put = (name: OptionName): void => {
    if (options[name] === undefined) return;
    starts.push(message.length);
    putNamed(message, name, options[name]);
  };
  for (const name of firstOptions) put(name);
  for (const name of Object.keys(options) as OptionName[])
    if (!firstOptions.includes(name) && name !== "relayAgentInformation") put(name);
  for (const [code, bytes] of otherOptions) {
    starts.push(message.length);
    const start = openOption(message, code);
    putBytes(message, bytes);
    closeOption(message, start);
  }
  return starts;
}

function putNamed(message: Builder, name: OptionName, value: unknown): void {
  const { code, kind } = optionTable[name];
  const start = openOption(message, code);
  // The table ties kind and value together; the compiler cannot follow that through an index.
  (kindCodecs[kind].put as (builder: Builder, value: unknown) => void)(message, value);
  closeOption(message, start);
}

/** Starts an option with an empty length; returns its offset. */
function openOption(message: Builder, code: number): number {
  const start = message.length;
  putUnsigned(message, code, 1);
  putUnsigned(message, 0, 1);
  return start;
}

const longestPiece = 255;

/** Fills in the length; a value of more than 255 bytes is split into pieces (RFC 3396 §6). */
function closeOption(message: Builder, start: number): void {
  const length = message.length - start - 2;
  if (length <= longestPiece) {
    message.bytes[start + 1] = length;
    return;
  }
  const code = message.bytes[start] ?? 0;
  const value = message.bytes.slice(start + 2, message.length);
  message.length = start;
  for (let at = 0; at < value.length; at += longestPiece) {
    const piece = value.subarray(at, at + longestPiece);
    putUnsigned(message, code, 1);
    putUnsigned(message, piece.length, 1);
    putBytes(message, piece);
  }
}

/** The size of a value as an option, in as many pieces as necessary. */
function lengthOnWire(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / longestPiece));
}

/**
 * Moves options that do not fit into `room` into file and sname, if those are empty, and sets option 52 (RFC 2131 §4.1).
 * This is the last resort, because it confuses old clients (netboot.md Q12). Options that fit nowhere are omitted.
 */
function moveOptions(
  message: Builder,
  of: { readonly packet: DhcpPacket; readonly starts: readonly number[]; readonly room: number },
): void {
  const { packet, starts, room } = of;
  const options = starts.map((start, index) => message.bytes.slice(start, starts[index + 1] ?? message.length));
  message.length = headerLength;
  const spread = distribute(options, [
    room - 3,
    packet.file === "" ? fileLength - 1 : 0,
    packet.sname === "" ? snameLength - 1 : 0,
  ]);
  const [main = [], file = [], sname = []] = spread;
  const overload = (file.length > 0 ? 1 : 0) + (sname.length > 0 ? 2 : 0);
  const named =
    overload === 0 ? distribute(options, [room]).flat() : [...main, Uint8Array.of(overloadCode, 1, overload)];
  for (const option of named) putBytes(message, option);
  fillField(message, fileAt, file);
  fillField(message, snameAt, sname);
}

/**
 * Puts each option into the first area with room for it. One that no text field could hold whole is split over the areas, which
 * are read in this order (RFC 3396 §5); one that does not fit in its entirety is omitted.
 */
function distribute(options: readonly Uint8Array[], rooms: readonly number[]): readonly (readonly Uint8Array[])[] {
  const areas = rooms.map((room) => ({ free: room, options: [] as Uint8Array[] }));
  for (const option of options) {
    const whole = areas.find(({ free }) => option.length <= free);
    const pieces = whole === undefined ? split(option, areas) : [{ area: whole, bytes: option }];
    for (const { area, bytes } of pieces) {
      area.options.push(bytes);
      area.free -= bytes.length;
    }
  }
  return areas.map((area) => area.options);
}

/** The pieces of a long option, one for each area with room; none if they do not hold all of it. */
function split<Area extends { readonly free: number }>(option: Uint8Array, areas: readonly Area[]) {
  if (option.length < fileLength) return [];
  const pieces: { readonly area: Area; readonly bytes: Uint8Array }[] = [];
  let rest = unframed(option);
  for (const area of areas) {
    const bytes = framed(option[0] ?? 0, rest, area.free);
    if (bytes.length === 0) continue;
    pieces.push({ area, bytes });
    rest = rest.subarray(unframed(bytes).length);
  }
  return rest.length === 0 ? pieces : [];
}

/** The value of an option, without the code and length of each of its pieces. */
function unframed(option: Uint8Array): Uint8Array {
  const value: number[] = [];
  for (let at = 0; at < option.length; ) {
    const end = at + 2 + (option[at + 1] ?? 0);
    value.push(...option.subarray(at + 2, end));
    at = end;
  }
  return Uint8Array.from(value);
}

/** As much of a value as fits, in pieces with code and length. */
function framed(code: number, value: Uint8Array, room: number): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < value.length && room - bytes.length > 2; ) {
    const piece = value.subarray(at, at + Math.min(longestPiece, room - bytes.length - 2));
    bytes.push(code, piece.length, ...piece);
    at += piece.length;
  }
  return Uint8Array.from(bytes);
}

/** Options with their END for a field that was empty; empty without options. */
function fillField(message: Builder, at: number, options: readonly Uint8Array[]): void {
  if (options.length === 0) return;
  let end = at;
  for (const option of options) {
    message.bytes.set(option, end);
    end += option.length;
  }
  message.bytes[end] = endCode;
}
