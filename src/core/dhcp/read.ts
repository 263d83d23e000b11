import { type Cursor, cursorOver, readBytes, readUnsigned, remaining } from "../bytes/cursor.ts";
import { textFromBytes } from "../bytes/text.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import { type DhcpOptions, optionOfCode } from "./option-table.ts";
import { kindCodecs } from "./option-value.ts";
import { type DhcpPacket, fileLength, headerLength, type MalformedDhcp, magicCookie, snameLength } from "./packet.ts";

const padCode = 0;
const overloadCode = 52;
const endCode = 255;

/** Reads a DHCP message (RFC 2131 §2, options of RFC 2132, 3396). Never throws, whatever the bytes are. */
export function readDhcp(bytes: Uint8Array): { readonly kind: "packet"; readonly packet: DhcpPacket } | MalformedDhcp {
  if (bytes.length < headerLength) return { kind: "malformed", fault: "tooShort" };
  const cursor = cursorOver(bytes);
  const op = number(cursor, 1);
  if (op !== 1 && op !== 2) return { kind: "malformed", fault: "badOperation" };
  const [htype, hlen, hops] = [number(cursor, 1), number(cursor, 1), number(cursor, 1)];
  if (hlen > 16) return { kind: "malformed", fault: "badHardwareLength" };
  const [xid, secs, flags] = [number(cursor, 4), number(cursor, 2), number(cursor, 2)];
  const [ciaddr, yiaddr, siaddr, giaddr] = [address(cursor), address(cursor), address(cursor), address(cursor)];
  const chaddr = field(cursor, 16);
  const snameField = field(cursor, snameLength);
  const fileField = field(cursor, fileLength);
  if (number(cursor, 4) !== magicCookie) return { kind: "malformed", fault: "noMagicCookie" };

  const pieces = new Map<number, Uint8Array[]>();
  if (!collectOptions(field(cursor, remaining(cursor)), pieces)) return { kind: "malformed", fault: "truncatedOption" };
  const overload = pieces.get(overloadCode)?.[0]?.[0] ?? 0;
  pieces.delete(overloadCode);
  // RFC 2131 §4.1: file is read before sname.
  for (const [bit, overloaded] of [
    [1, fileField],
    [2, snameField],
  ] as const)
    if ((overload & bit) !== 0 && !collectOptions(overloaded, pieces))
      return { kind: "malformed", fault: "truncatedOption" };

  const packet: DhcpPacket = {
    ...{ op, htype, hlen, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, chaddr },
    sname: (overload & 2) !== 0 ? "" : textField(snameField),
    file: (overload & 1) !== 0 ? "" : textField(fileField),
    ...interpret(pieces),
  };
  return { kind: "packet", packet };
}

/** Walks one options area; false if an option's length points past its end. A missing END is forgiven, as everybody does. */
function collectOptions(area: Uint8Array, pieces: Map<number, Uint8Array[]>): boolean {
  const cursor = cursorOver(area);
  while (remaining(cursor) > 0) {
    const code = number(cursor, 1);
    if (code === padCode) continue;
    if (code === endCode) return true;
    const length = readUnsigned(cursor, 1);
    const value = length === undefined ? undefined : readBytes(cursor, length);
    if (value === undefined) return false;
    const earlier = pieces.get(code);
    if (earlier === undefined) pieces.set(code, [value]);
    else earlier.push(value);
  }
  return true;
}

function interpret(pieces: ReadonlyMap<number, readonly Uint8Array[]>): Pick<DhcpPacket, "options" | "otherOptions"> {
  const options: { [name: string]: unknown } = {};
  const otherOptions = new Map<number, Uint8Array>();
  for (const [code, parts] of pieces) {
    const bytes = join(parts);
    const row = optionOfCode(code);
    const value = row === undefined ? undefined : kindCodecs[row.kind].read(bytes);
    if (row === undefined || value === undefined) otherOptions.set(code, bytes);
    else options[row.name] = value;
  }
  return { options: options as DhcpOptions, otherOptions };
}

/** RFC 3396 §7: the pieces of a split option belong together, in the order in which they came. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const [first, ...others] = parts;
  if (first !== undefined && others.length === 0) return first;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function textField(field: Uint8Array): string {
  const end = field.indexOf(0);
  return textFromBytes(end < 0 ? field : field.subarray(0, end));
}

// The length of the whole was checked first, so these never meet the end.
function number(cursor: Cursor, size: 1 | 2 | 4): number {
  return readUnsigned(cursor, size) ?? 0;
}

function address(cursor: Cursor): Ipv4 {
  return number(cursor, 4) as Ipv4;
}

function field(cursor: Cursor, length: number): Uint8Array {
  return readBytes(cursor, length) ?? new Uint8Array(length);
}
