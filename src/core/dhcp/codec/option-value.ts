import { uint8At, uint16At, uint32At } from "../../bytes/big-endian.ts";
import { type Builder, putBytes, putText, putUnsigned } from "../../bytes/builder.ts";
import { textFromBytes } from "../../bytes/text.ts";
import type { Ipv4 } from "../../net/ipv4.ts";
import { codeOfMessageType, messageTypeOfCode } from "./message-type.ts";
import type { OptionKinds } from "./option-table.ts";

/** The bytes of an option's value, as a range of the message; a view is created only if the value keeps one. */
type KindCodec<Value> = {
  /** The value from `start` up to `end`, or undefined when the bytes there do not have the kind's shape. */
  readonly read: (bytes: Uint8Array, start: number, end: number) => Value | undefined;
  readonly put: (builder: Builder, value: Value) => void;
};

/** The wire format of each kind of option value. */
export const kindCodecs: { readonly [Kind in keyof OptionKinds]: KindCodec<OptionKinds[Kind]> } = {
  ipv4: { read: readIpv4, put: (builder, value) => putUnsigned(builder, value, 4) },
  ipv4List: { read: (bytes, start, end) => several(bytes, { start, end, size: 4, at: ipv4At }), put: putEach(4) },
  uint8: {
    read: (bytes, start, end) => (end - start === 1 ? uint8At(bytes, start) : undefined),
    put: (builder, value) => putUnsigned(builder, value, 1),
  },
  uint16: {
    read: (bytes, start, end) => (end - start === 2 ? uint16At(bytes, start) : undefined),
    put: (builder, value) => putUnsigned(builder, value, 2),
  },
  uint32: {
    read: (bytes, start, end) => (end - start === 4 ? uint32At(bytes, start) : undefined),
    put: (builder, value) => putUnsigned(builder, value, 4),
  },
  uint16List: { read: (bytes, start, end) => several(bytes, { start, end, size: 2, at: uint16At }), put: putEach(2) },
  codeList: {
    read: (bytes, start, end) => (start === end ? [] : several(bytes, { start, end, size: 1, at: uint8At })),
    put: putEach(1),
  },
  messageType: {
    read: (bytes, start, end) => (end - start === 1 ? messageTypeOfCode(uint8At(bytes, start)) : undefined),
    put: (builder, value) => putUnsigned(builder, codeOfMessageType(value), 1),
  },
  text: { read: textWithoutEnd, put: putText },
  terminatedText: {
    read: textWithoutEnd,
    put: (builder, value) => {
      putText(builder, value);
      putUnsigned(builder, 0, 1);
    },
  },
  bytes: { read: (bytes, start, end) => bytes.subarray(start, end), put: putBytes },
};

function ipv4At(bytes: Uint8Array, at: number): Ipv4 {
  return uint32At(bytes, at) as Ipv4;
}

function readIpv4(bytes: Uint8Array, start: number, end: number): Ipv4 | undefined {
  return end - start === 4 ? ipv4At(bytes, start) : undefined;
}

/** One value or more of `size` bytes each. */
function several<Value>(
  bytes: Uint8Array,
  of: {
    readonly start: number;
    readonly end: number;
    readonly size: 1 | 2 | 4;
    readonly at: (bytes: Uint8Array, at: number) => Value;
  },
): Value[] | undefined {
  const { start, end, size, at } = of;
  if (start === end || (end - start) % size !== 0) return undefined;
  const values: Value[] = [];
  for (let place = start; place < end; place += size) values.push(at(bytes, place));
  return values;
}

function putEach(size: 1 | 2 | 4): (builder: Builder, values: readonly number[]) => void {
  return (builder, values) => {
    for (const value of values) putUnsigned(builder, value, size);
  };
}

/** RFC 2132 §2: trailing NULs are to be ignored, and Microsoft's clients send them (netboot.md Q11). */
function textWithoutEnd(bytes: Uint8Array, start: number, end: number): string {
  let last = end;
  while (last > start && bytes[last - 1] === 0) last -= 1;
  return textFromBytes(bytes, start, last);
}
