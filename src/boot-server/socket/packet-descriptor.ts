import koffi from "koffi";
import { type Mac, macFromBytes } from "../../core/net/mac.ts";

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int, int, int)");
const bind = libc.func("int bind(int, const uint8_t *, uint32_t)");
const getsockname = libc.func("int getsockname(int, _Out_ uint8_t *, _Inout_ uint32_t *)");
const ifNameToIndex = libc.func("uint32_t if_nametoindex(const char *)");
const close = libc.func("int close(int)");

// linux/socket.h, bits/socket_type.h
const afPacket = 17;
const socketTypes = { datagram: 2, raw: 3 } as const;
const nonblocking = 0o4000;
const closeOnExec = 0o2000000;

/** A packet socket on one interface (packet(7)). */
export type PacketDescriptor = {
  readonly fd: number;
  /** The interface's own MAC address. */
  readonly mac: Mac;
  /** struct sockaddr_ll: family, protocol (network order), ifindex, hatype, pkttype, halen, addr[8]. */
  readonly address: Uint8Array;
  readonly [Symbol.dispose]: () => void;
};

/**
 * Opens one, with whole frames (`raw`) or without their Ethernet headers. It receives frames of one Ethernet type; of type
 * 0 none. Undefined without permission (CAP_NET_RAW) or without the interface.
 */
export function openPacketDescriptor(
  interfaceName: string,
  { type, etherType }: { readonly type: keyof typeof socketTypes; readonly etherType: number },
): PacketDescriptor | undefined {
  // Protocol 0 until the bind, so that no frame of another interface gets in.
  const fd: number = socket(afPacket, socketTypes[type] | nonblocking | closeOnExec, 0);
  if (fd < 0) return undefined;
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, afPacket, true);
  view.setUint16(2, etherType);
  view.setInt32(4, ifNameToIndex(interfaceName), true);
  view.setUint8(11, 6);
  // After the bind, the socket's own name holds the interface's MAC address, whether or not the link is up.
  const own = new Uint8Array(address.length);
  if (bind(fd, address, address.length) !== 0 || getsockname(fd, own, [own.length]) !== 0) {
    close(fd);
    return undefined;
  }
  return {
    fd,
    mac: macFromBytes(own.subarray(12)),
    address,
    [Symbol.dispose]: () => {
      close(fd);
    },
  };
}
