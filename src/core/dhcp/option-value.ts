import { builtBytes, createBuilder, putUnsigned } from "../bytes/builder.ts";
import { bytesFromText, textFromBytes } from "../bytes/text.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import { codeOfMessageType, messageTypeOfCode } from "./message-type.ts";
import type { OptionKinds } from "./option-table.ts";

type KindCodec<Value> = {
  /** The value, or undefined when the bytes do not have the kind's shape. */
  readonly read: (bytes: Uint8Array) => Value | undefined;
  readonly write: (value: Value) => Uint8Array;
};

/** How each kind of option value stands on the wire. */
export const kindCodecs: { readonly [Kind in keyof OptionKinds]: KindCodec<OptionKinds[Kind]> } = {
  ipv4: { read: (bytes) => single(bytes, 4) as Ipv4 | undefined, write: (value) => numbers([value], 4) },
  ipv4List: { read: (bytes) => several(bytes, 4) as Ipv4[] | undefined, write: (value) => numbers(value, 4) },
  uint8: { read: (bytes) => single(bytes, 1), write: (value) => numbers([value], 1) },
  uint16: { read: (bytes) => single(bytes, 2), write: (value) => numbers([value], 2) },
  uint32: { read: (bytes) => single(bytes, 4), write: (value) => numbers([value], 4) },
  uint16List: { read: (bytes) => several(bytes, 2), write: (value) => numbers(value, 2) },
  codeList: { read: (bytes) => Array.from(bytes), write: (value) => Uint8Array.from(value) },
  messageType: {
    read: (bytes) => messageTypeOfCode(single(bytes, 1) ?? 0),
    write: (value) => numbers([codeOfMessageType(value)], 1),
  },
  text: { read: textWithoutEnd, write: bytesFromText },
  terminatedText: { read: textWithoutEnd, write: (value) => bytesFromText(`${value}\0`) },
  bytes: { read: (bytes) => bytes, write: (value) => value },
};

function single(bytes: Uint8Array, size: 1 | 2 | 4): number | undefined {
  return bytes.length === size ? several(bytes, size)?.[0] : undefined;
}

function several(bytes: Uint8Array, size: 1 | 2 | 4): number[] | undefined {
  if (bytes.length === 0 || bytes.length % size !== 0) return undefined;
  const values: number[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    let value = 0;
    for (let offset = 0; offset < size; offset += 1) value = value * 256 + (bytes[start + offset] ?? 0);
    values.push(value);
  }
  return values;
}

function numbers(values: readonly number[], size: 1 | 2 | 4): Uint8Array {
  const builder = createBuilder(values.length * size);
  for (const value of values) putUnsigned(builder, value, size);
  return builtBytes(builder);
}

/** RFC 2132 §2: trailing NULs are to be ignored, and Microsoft's clients do send them (netboot.md Q11). */
function textWithoutEnd(bytes: Uint8Array): string {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return textFromBytes(bytes.subarray(0, end));
}
