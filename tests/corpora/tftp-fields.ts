import { hexFromBytes } from "../../src/core/bytes/text.ts";
import type { MalformedTftp, TftpPacket } from "../../src/core/tftp/packet.ts";
import type { Fields, Reading } from "./compare.ts";
import type { Dissection } from "./tshark.ts";

/** Every field that `tftpByTshark` reads. */
export const tftpFields = [
  ...(["tftp.opcode", "tftp.source_file", "tftp.destination_file", "tftp.type", "tftp.block", "data.data"] as const),
  ...(["tftp.error.code", "tftp.error.message", "tftp.option.name", "tftp.option.value"] as const),
] as const;

const opcodes = { readRequest: 1, writeRequest: 2, data: 3, ack: 4, error: 5, optionAck: 6 } as const;

/** tshark repeats the file's name at every packet of its transfer. */
const namesInRequests: readonly string[] = ["tftp.source_file", "tftp.destination_file"];

/** What tshark reads. */
export function tftpByTshark(of: Dissection<(typeof tftpFields)[number]>): Fields {
  const isRequest = ["1", "2"].includes(of("tftp.opcode")[0] ?? "");
  const names = isRequest ? tftpFields : tftpFields.filter((name) => !namesInRequests.includes(name));
  const given = names.flatMap((name) => (of(name).length === 0 ? [] : [[name, of(name).join(" ")] as const]));
  return Object.fromEntries(given);
}

/** What our decoder reads. */
export function tftpByUs(packet: TftpPacket | MalformedTftp): Reading {
  if (packet.kind === "malformed") return { kind: "refused", why: packet.fault };
  return { kind: "read", fields: { "tftp.opcode": String(opcodes[packet.kind]), ...contentOf(packet) } };
}

function contentOf(packet: TftpPacket): Fields {
  switch (packet.kind) {
    case "readRequest":
      return { "tftp.source_file": packet.file, "tftp.type": packet.mode, ...optionsOf(packet) };
    case "writeRequest":
      return { "tftp.destination_file": packet.file, "tftp.type": packet.mode, ...optionsOf(packet) };
    case "data":
      return { "tftp.block": String(packet.block), "data.data": hexFromBytes(packet.bytes) };
    case "ack":
      return { "tftp.block": String(packet.block) };
    case "error":
      return { "tftp.error.code": String(packet.code), "tftp.error.message": packet.message };
    case "optionAck":
      return optionsOf(packet);
  }
}

function optionsOf({ options }: TftpPacket & { kind: "readRequest" | "writeRequest" | "optionAck" }): Fields {
  if (options.length === 0) return {};
  return {
    "tftp.option.name": options.map(([name]) => name).join(" "),
    "tftp.option.value": options.map(([, value]) => value).join(" "),
  };
}
