import koffi from "koffi";
import { type Mac, macFromBytes, macToBytes } from "../../core/net/mac.ts";

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int, int, int)");
const sendto = libc.func("intptr_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)");
const bind = libc.func("int bind(int, const uint8_t *, uint32_t)");
const getsockname = libc.func("int getsockname(int, _Out_ uint8_t *, _Inout_ uint32_t *)");
const ifNameToIndex = libc.func("uint32_t if_nametoindex(const char *)");
const close = libc.func("int close(int)");

// linux/socket.h, bits/socket_type.h, linux/if_ether.h
const afPacket = 17;
const datagramSocket = 2;
const nonblocking = 0o4000;
const closeOnExec = 0o2000000;
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
  // Protocol 0: the socket receives nothing (packet(7)).
  const fd: number = socket(afPacket, datagramSocket | nonblocking | closeOnExec, 0);
  if (fd < 0) return undefined;
  // struct sockaddr_ll: family, protocol (network order), ifindex, hatype, pkttype, halen, addr[8].
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, afPacket, true);
  view.setInt32(4, ifNameToIndex(interfaceName), true);
  view.setUint8(11, 6);
  // After the bind, the socket's own name holds the interface's MAC address, whether or not the link is up.
  const own = new Uint8Array(address.length);
  if (bind(fd, address, address.length) !== 0 || getsockname(fd, own, [own.length]) !== 0) {
    close(fd);
    return undefined;
  }
  return {
    mac: macFromBytes(own.subarray(12)),
    send: (packet, to) => {
      view.setUint16(2, etherTypes[(packet[0] ?? 0) >>> 4] ?? 0);
      address.set(macToBytes(to), 12);
      return sendto(fd, packet, packet.length, 0, address, address.length) === packet.length;
    },
    [Symbol.dispose]: () => {
      close(fd);
    },
  };
}
