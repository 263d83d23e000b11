import type { PacketView } from "../contract/operator.ts";
import { dhcpWords, tftpWords } from "../core/pxe/packet-words.ts";
import type { LoggedPacket } from "./packet-log.ts";

/** A packet as operators see it. Read only now: most are never looked at. */
export function viewPacket(packet: LoggedPacket): PacketView {
  const { bytes, ...rest } = packet;
  const words = packet.protocol === "dhcp" ? dhcpWords(bytes) : tftpWords(bytes);
  return { ...rest, ...words, bytes: Buffer.from(bytes).toString("base64") };
}
