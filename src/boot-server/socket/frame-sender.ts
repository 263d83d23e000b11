import koffi from "koffi";
import { type Mac, macToBytes } from "../../core/net/mac.ts";
import { openPacketDescriptor } from "./packet-descriptor.ts";

const libc = koffi.load("libc.so.6");
const sendto = libc.func("intptr_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)");

// linux/if_ether.h
const etherTypes: { readonly [ipVersion: number]: number } = { 4: 0x0800, 6: 0x86dd };

/** Sends IPv4 and IPv6 packets to MAC addresses, for clients that do not answer ARP yet (RFC 2131 §4.1). */
export type FrameSender = {
  /** The interface's own MAC address. */
  readonly mac: Mac;
  /** False if the packet could not be sent: no buffer space, or the link is down. */
  readonly send: (packet: Uint8Array, to: Mac) => boolean;
  readonly [Symbol.dispose]: () => void;
};

/** Opens a sender on an interface, which receives nothing; undefined without permission (CAP_NET_RAW). */
export function openFrameSender(interfaceName: string): FrameSender | undefined {
  const opened = openPacketDescriptor(interfaceName, { type: "datagram", etherType: 0 });
  if (opened === undefined) return undefined;
  const { fd, mac, address } = opened;
  const view = new DataView(address.buffer);
  return {
    mac,
    send: (packet, to) => {
      view.setUint16(2, etherTypes[(packet[0] ?? 0) >>> 4] ?? 0);
      address.set(macToBytes(to), 12);
      return sendto(fd, packet, packet.length, 0, address, address.length) === packet.length;
    },
    [Symbol.dispose]: opened[Symbol.dispose],
  };
}
