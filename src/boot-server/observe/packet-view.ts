import type { PacketView } from "../../contract/operator/views.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { describeDhcp, describeTftp } from "../../core/pxe/describe-packet.ts";
import type { LoggedPacket } from "./packet-log.ts";

/** A packet as operators see it. Decoded only here, because most packets are never read. */
export function viewPacket(packet: LoggedPacket): PacketView {
  const { bytes, source, destination, tagged, ...rest } = packet;
  const { kind, facts } = packet.protocol === "dhcp" ? describeDhcp(bytes) : describeTftp(bytes);
  const text = { kind, facts: tagged === undefined ? facts : ["VLAN tag (not supported)", ...facts] };
  const ends = { source: readable(source), destination: readable(destination) };
  return { ...rest, ...ends, ...text, bytes: Buffer.from(bytes).toString("base64") };
}

function readable({ address, port }: LoggedPacket["source"]): PacketView["source"] {
  return { address: formatIpv4(address), port };
}
