import { builtBytes, createBuilder, putBytes, putUnsigned } from "../bytes/builder.ts";
import { type Cursor, cursorOver, readBytes, readUnsigned, readZeroTerminated, remaining } from "../bytes/cursor.ts";
import { bytesFromText, textFromBytes } from "../bytes/text.ts";

/** Option names with their values, spelled and ordered as received (RFC 2347). */
export type TftpOptions = readonly (readonly [name: string, value: string])[];

/** A TFTP packet (RFC 1350 §5, RFC 2347). */
export type TftpPacket =
  | {
      readonly kind: "readRequest" | "writeRequest";
      readonly file: string;
      readonly mode: string;
      readonly options: TftpOptions;
    }
  | { readonly kind: "data"; readonly block: number; readonly bytes: Uint8Array }
  | { readonly kind: "ack"; readonly block: number }
  | { readonly kind: "error"; readonly code: number; readonly message: string }
  | { readonly kind: "optionAck"; readonly options: TftpOptions };

/** Why bytes are not a TFTP packet. */
export type MalformedTftp = {
  readonly kind: "malformed";
  readonly fault: "tooShort" | "badOperation" | "unterminated";
};

/** Error codes of RFC 1350's appendix and RFC 2347. */
export const tftpErrors = {
  other: 0,
  fileNotFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  unknownTransfer: 5,
  /** The client rejects the options; EDK2 ends its size probe with it (netboot.md F1). */
  optionsRefused: 8,
} as const;

const operations = { readRequest: 1, writeRequest: 2, data: 3, ack: 4, error: 5, optionAck: 6 } as const;

/** Reads a packet; never throws. */
export function readTftp(bytes: Uint8Array): TftpPacket | MalformedTftp {
  const cursor = cursorOver(bytes);
  const operation = readUnsigned(cursor, 2);
  if (operation === undefined) return { kind: "malformed", fault: "tooShort" };
  switch (operation) {
    case operations.readRequest:
    case operations.writeRequest:
      return readRequest(cursor, operation === operations.readRequest ? "readRequest" : "writeRequest");
    case operations.data: {
      const block = readUnsigned(cursor, 2);
      if (block === undefined) return { kind: "malformed", fault: "tooShort" };
      return { kind: "data", block, bytes: readBytes(cursor, remaining(cursor)) ?? new Uint8Array() };
    }
    case operations.ack: {
      const block = readUnsigned(cursor, 2);
      return block === undefined ? { kind: "malformed", fault: "tooShort" } : { kind: "ack", block };
    }
    case operations.error: {
      const code = readUnsigned(cursor, 2);
      if (code === undefined) return { kind: "malformed", fault: "tooShort" };
      // The text is only for display: a missing zero is tolerated.
      const rest = readZeroTerminated(cursor) ?? readBytes(cursor, remaining(cursor)) ?? new Uint8Array();
      return { kind: "error", code, message: textFromBytes(rest) };
    }
    case operations.optionAck: {
      const options = readOptions(cursor);
      return options === undefined ? { kind: "malformed", fault: "unterminated" } : { kind: "optionAck", options };
    }
    default:
      return { kind: "malformed", fault: "badOperation" };
  }
}

/** The bytes of a packet; every text ends with a zero (netboot.md T2). */
export function writeTftp(packet: TftpPacket): Uint8Array {
  const builder = createBuilder(packet.kind === "data" ? packet.bytes.length + 4 : 64);
  putUnsigned(builder, operations[packet.kind], 2);
  const putText = (text: string): void => putBytes(builder, bytesFromText(`${text}\0`));
  switch (packet.kind) {
    case "readRequest":
    case "writeRequest":
      for (const text of [packet.file, packet.mode, ...packet.options.flat()]) putText(text);
      break;
    case "data":
      putUnsigned(builder, packet.block, 2);
      putBytes(builder, packet.bytes);
      break;
    case "ack":
      putUnsigned(builder, packet.block, 2);
      break;
    case "error":
      putUnsigned(builder, packet.code, 2);
      putText(packet.message);
      break;
    case "optionAck":
      for (const text of packet.options.flat()) putText(text);
      break;
  }
  return builtBytes(builder);
}

/**
 * Zeros behind the last text are padding, and an option name without a value is passed over: what is whole counts. Text without
 * its zero was cut.
 */
function readRequest(cursor: Cursor, kind: "readRequest" | "writeRequest"): TftpPacket | MalformedTftp {
  const file = readZeroTerminated(cursor);
  const mode = readZeroTerminated(cursor);
  const options = readRequestOptions(cursor);
  if (file === undefined || mode === undefined || options === undefined)
    return { kind: "malformed", fault: "unterminated" };
  return { kind, file: textFromBytes(file), mode: textFromBytes(mode), options };
}

function readRequestOptions(cursor: Cursor): TftpOptions | undefined {
  const options: [string, string][] = [];
  while (remaining(cursor) > 0) {
    const name = readZeroTerminated(cursor);
    if (name === undefined) return undefined;
    if (remaining(cursor) === 0) return options;
    const value = readZeroTerminated(cursor);
    if (value === undefined) return undefined;
    if (name.length > 0) options.push([textFromBytes(name), textFromBytes(value)]);
  }
  return options;
}

function readOptions(cursor: Cursor): TftpOptions | undefined {
  const options: [string, string][] = [];
  while (remaining(cursor) > 0) {
    const name = readZeroTerminated(cursor);
    const value = readZeroTerminated(cursor);
    if (name === undefined || value === undefined) return undefined;
    options.push([textFromBytes(name), textFromBytes(value)]);
  }
  return options;
}
