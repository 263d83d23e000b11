import { bytesFromBase64 } from "../../core/bytes/base64.ts";
import { noAddress, parseIpv4 } from "../../core/net/ipv4.ts";
import { type Mac, parseMac } from "../../core/net/mac.ts";
import { writePcap } from "../../core/net/pcap.ts";
import type { MachineView, PacketView } from "./views.ts";

/** Stands for the server's NIC, because a datagram socket does not report MAC addresses. Locally administered; spells "birth". */
const serverMac = "02:62:69:72:74:68" as Mac;
const anyMac = "ff:ff:ff:ff:ff:ff" as Mac;

/** A pcap file of the packets. The Ethernet headers are synthetic: they connect machine and server directly, even behind a relay. */
export function pcapOf(packets: readonly PacketView[], machine: Pick<MachineView, "macs">): Uint8Array {
  const [machineMac = parseMac("020000000000") ?? anyMac] = machine.macs;
  return writePcap(
    packets.map(({ atMs, direction, source, destination, bytes }) => {
      const macOf = (incoming: boolean, address: string) =>
        address === "255.255.255.255" ? anyMac : incoming ? machineMac : serverMac;
      const end = (place: PacketView["source"], isMachine: boolean) => ({
        mac: macOf(isMachine, place.address),
        address: parseIpv4(place.address) ?? noAddress,
        port: place.port,
      });
      return {
        atMs,
        source: end(source, direction === "in"),
        destination: end(destination, direction === "out"),
        payload: bytesFromBase64(bytes),
      };
    }),
  );
}
