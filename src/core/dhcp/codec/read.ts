import { uint8At, uint16At, uint32At } from "../../bytes/big-endian.ts";
import { textFromBytes } from "../../bytes/text.ts";
import { type Ipv4, isUnicast, noAddress } from "../../net/ipv4.ts";
import { type DhcpOptions, optionOfCode } from "./option-table.ts";
import { kindCodecs } from "./option-value.ts";
import {
  chaddrAt,
  chaddrLength,
  type DhcpPacket,
  fileAt,
  fileLength,
  headerLength,
  type MalformedDhcp,
  magicCookie,
  snameAt,
  snameLength,
} from "./packet.ts";

const padCode = 0;
const overloadCode = 52;
const endCode = 255;

/** Reads a DHCP message (RFC 2131 §2, options of RFC 2132, 3396). Never throws. */
export function readDhcp(bytes: Uint8Array): { readonly kind: "packet"; readonly packet: DhcpPacket } | MalformedDhcp {
  if (bytes.length < headerLength) return { kind: "malformed", fault: "tooShort" };
  const op = uint8At(bytes, 0);
  if (op !== 1 && op !== 2) return { kind: "malformed", fault: "badOperation" };
  const hlen = uint8At(bytes, 2);
  if (hlen > chaddrLength) return { kind: "malformed", fault: "badHardwareLength" };
  if (uint32At(bytes, headerLength - 4) !== magicCookie) return { kind: "malformed", fault: "noMagicCookie" };
  const giaddr = uint32At(bytes, 24) as Ipv4;
  // An answer would go to a whole network, or to the server itself.
  if (giaddr !== noAddress && !isUnicast(giaddr)) return { kind: "malformed", fault: "badRelayAddress" };

  const paths: OptionPositions = new Map();
  if (!findOptions(bytes, { start: headerLength, end: bytes.length }, paths))
    return { kind: "malformed", fault: "truncatedOption" };
  const overload = overloadOf(bytes, paths);
  // RFC 2131 §4.1: file is read before sname.
  if ((overload & fileOverload) !== 0 && !findOptions(bytes, fileArea, paths))
    return { kind: "malformed", fault: "truncatedOption" };
  if ((overload & snameOverload) !== 0 && !findOptions(bytes, snameArea, paths))
    return { kind: "malformed", fault: "truncatedOption" };

  const otherOptions = new Map<number, Uint8Array>();
  const packet: DhcpPacket = {
    op,
    htype: uint8At(bytes, 1),
    hlen,
    hops: uint8At(bytes, 3),
    xid: uint32At(bytes, 4),
    secs: uint16At(bytes, 8),
    flags: uint16At(bytes, 10),
    ciaddr: uint32At(bytes, 12) as Ipv4,
    yiaddr: uint32At(bytes, 16) as Ipv4,
    siaddr: uint32At(bytes, 20) as Ipv4,
    giaddr,
    chaddr: bytes.subarray(chaddrAt, chaddrAt + chaddrLength),
    sname: (overload & snameOverload) !== 0 ? "" : textField(bytes, snameArea),
    file: (overload & fileOverload) !== 0 ? "" : textField(bytes, fileArea),
    options: interpret(bytes, paths, otherOptions),
    otherOptions,
  };
  return { kind: "packet", packet };
}

/** A part of the message. */
type Area = { readonly start: number; readonly end: number };

const snameArea: Area = { start: snameAt, end: snameAt + snameLength };
const fileArea: Area = { start: fileAt, end: fileAt + fileLength };
const fileOverload = 1;
const snameOverload = 2;

/**
 * The offsets of each option's value, by code, in order of arrival; several offsets for a split option. The byte before an
 * offset is the length.
 */
type OptionPositions = Map<number, number | number[]>;

/** Walks one options area; false if an option's length points past its end. A missing END is tolerated, as in other implementations. */
function findOptions(bytes: Uint8Array, { start, end }: Area, paths: OptionPositions): boolean {
  for (let at = start; at < end; ) {
    const code = uint8At(bytes, at);
    at += 1;
    if (code === padCode) continue;
    if (code === endCode) return true;
    const place = at + 1;
    at = place + lengthAt(bytes, place);
    if (at > end) return false;
    const earlier = paths.get(code);
    if (earlier === undefined) paths.set(code, place);
    else if (typeof earlier === "number") paths.set(code, [earlier, place]);
    else earlier.push(place);
  }
  return true;
}

function lengthAt(bytes: Uint8Array, place: number): number {
  return uint8At(bytes, place - 1);
}

/** Consumes option 52: which of the text fields hold options. */
function overloadOf(bytes: Uint8Array, paths: OptionPositions): number {
  const found = paths.get(overloadCode);
  if (found === undefined) return 0;
  paths.delete(overloadCode);
  const place = typeof found === "number" ? found : (found[0] ?? 0);
  return lengthAt(bytes, place) === 0 ? 0 : uint8At(bytes, place);
}

/** Separates the options with a row and a valid value from all others. */
function interpret(bytes: Uint8Array, paths: OptionPositions, others: Map<number, Uint8Array>): DhcpOptions {
  const options: { [name: string]: unknown } = {};
  for (const [code, place] of paths) {
    const isWhole = typeof place === "number";
    const source = isWhole ? bytes : joined(bytes, place);
    const start = isWhole ? place : 0;
    const end = isWhole ? place + lengthAt(bytes, place) : source.length;
    const row = optionOfCode(code);
    const value = row && kindCodecs[row.kind].read(source, start, end);
    if (row === undefined || value === undefined) others.set(code, source.subarray(start, end));
    else options[row.name] = value;
  }
  return options as DhcpOptions;
}

/** RFC 3396 §7: concatenates the pieces of a split option in order of arrival. */
function joined(bytes: Uint8Array, paths: readonly number[]): Uint8Array {
  const whole = new Uint8Array(paths.reduce((sum, place) => sum + lengthAt(bytes, place), 0));
  let at = 0;
  for (const place of paths) {
    const length = lengthAt(bytes, place);
    whole.set(bytes.subarray(place, place + length), at);
    at += length;
  }
  return whole;
}

function textField(bytes: Uint8Array, { start, end }: Area): string {
  let last = start;
  while (last < end && bytes[last] !== 0) last += 1;
  return textFromBytes(bytes, start, last);
}
