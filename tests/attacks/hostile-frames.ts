import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import { writeLldp } from "../../src/core/lldp/write.ts";
import { broadcastAddress, noAddress } from "../../src/core/net/ipv4.ts";
import { macToBytes, parseMac } from "../../src/core/net/mac.ts";
import { udpPacket } from "../../src/core/net/pcap.ts";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";

/** The seeds of a hostile switch and of a hostile DHCP server. */

const sender = macOf("02:00:00:00:00:01");
const chassis = { kind: "mac", text: "44:38:39:aa:bb:cc" } as const;
const ttlSeconds = 120;

const port = (text: string) => ({ kind: "interfaceName", text }) as const;

/** The switch that the machine is to find among the rest. */
export const trueSwitch = writeLldp({ chassis, port: port("swp1"), ttlSeconds, systemName: "the-true-switch" }, sender);

/** Valid frames of as many invented neighbours as would fill any list, and one of every kind of port. */
export const lldpFrames: readonly Uint8Array[] = [
  ...Array.from({ length: 40 }, (_, n) =>
    writeLldp({ chassis, port: port(`swp${n}`), ttlSeconds, systemName: `other-${n}` }, sender),
  ),
  writeLldp({ chassis, port: { kind: "local", text: "526" }, ttlSeconds, portDescription: "ge-0/0/1" }, sender),
  writeLldp({ chassis, port: { kind: "mac", text: "44:38:39:aa:bb:cd" }, ttlSeconds: 0 }, sender),
];

/** Replies that a machine with this MAC may get: of Birther's kind, of another server, and of addresses that no host can have. */
export function dhcpReplies(mac: string): readonly Uint8Array[] {
  const client = parseMac(mac) ?? sender;
  const chaddr = new Uint8Array(16);
  chaddr.set(macToBytes(client));
  const bootFileName = `http://10.77.0.1/boot/${mac.replaceAll(":", "-")}.settings`;
  const frames = (["offer", "ack", "nak"] as const).flatMap((dhcpMessageType) =>
    ["10.77.0.60", "127.0.0.1", "224.0.0.1", "255.255.255.255", "0.1.2.3"].map((yiaddr) => {
      const payload = writeDhcp({
        ...{ op: 2, htype: 1, hlen: 6, hops: 0, xid: 7, secs: 0, flags: 0x8000, chaddr, sname: "", file: "" },
        ...{ ciaddr: noAddress, yiaddr: ip(yiaddr), siaddr: noAddress, giaddr: noAddress, otherOptions: new Map() },
        options: {
          ...{ dhcpMessageType, serverIdentifier: ip("10.77.0.1"), subnetMask: ip("255.255.255.0"), bootFileName },
          routers: [ip("10.77.0.1")],
        },
      });
      const udp = udpPacket({
        source: { address: ip("10.77.0.1"), port: 67 },
        destination: { address: broadcastAddress, port: 68 },
        payload,
      });
      return Uint8Array.of(255, 255, 255, 255, 255, 255, ...macToBytes(sender), 8, 0, ...udp);
    }),
  );
  return frames;
}

/** A frame of a DHCP reply with another transaction id: after Ethernet, IPv4 and UDP, and four bytes of DHCP. */
export function withXid(frame: Uint8Array, xid: Uint8Array): Uint8Array {
  if (frame.length >= 50) frame.set(xid, 46);
  return frame;
}
