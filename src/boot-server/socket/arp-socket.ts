import koffi from "koffi";
import { arpEtherType } from "../../core/net/arp.ts";
import { type Mac, macFromBytes } from "../../core/net/mac.ts";

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int, int, int)");
const bind = libc.func("int bind(int, const uint8_t *, uint32_t)");
const getsockname = libc.func("int getsockname(int, _Out_ uint8_t *, _Inout_ uint32_t *)");
const send = libc.func("intptr_t send(int, const uint8_t *, size_t, int)");
const recv = libc.func("intptr_t recv(int, _Out_ uint8_t *, size_t, int)");
const ifNameToIndex = libc.func("uint32_t if_nametoindex(const char *)");
const close = libc.func("int close(int)");

// linux/socket.h, bits/socket_type.h
const afPacket = 17;
const rawSocket = 3;
const nonblocking = 0o4000;
const closeOnExec = 0o2000000;

/** An ARP message with its Ethernet header and padding; longer frames are cut off. */
const frameBytes = 64;

/** Sends and receives the ARP frames of one wire. */
export type ArpSocket = {
  /** The interface's own MAC address. */
  readonly mac: Mac;
  /** False if the frame could not be sent: no buffer space, or the link is down. */
  readonly send: (frame: Uint8Array) => boolean;
  /** The next frame that was received since the socket was opened; undefined if there is none. */
  readonly receive: () => Uint8Array | undefined;
  readonly [Symbol.dispose]: () => void;
};

/** Opens one on an interface; undefined without permission (CAP_NET_RAW) or without the interface. */
export function openArpSocket(interfaceName: string): ArpSocket | undefined {
  // Protocol 0 until the bind, so that no frame of another interface gets in (packet(7)).
  const fd: number = socket(afPacket, rawSocket | nonblocking | closeOnExec, 0);
  if (fd < 0) return undefined;
  // struct sockaddr_ll: family, protocol (network order), ifindex, hatype, pkttype, halen, addr[8].
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, afPacket, true);
  view.setUint16(2, arpEtherType);
  view.setInt32(4, ifNameToIndex(interfaceName), true);
  const own = new Uint8Array(address.length);
  if (bind(fd, address, address.length) !== 0 || getsockname(fd, own, [own.length]) !== 0) {
    close(fd);
    return undefined;
  }
  return {
    mac: macFromBytes(own.subarray(12)),
    send: (frame) => send(fd, frame, frame.length, 0) === frame.length,
    receive: () => {
      const frame = new Uint8Array(frameBytes);
      const count = Number(recv(fd, frame, frame.length, 0));
      return count < 0 ? undefined : frame.subarray(0, count);
    },
    [Symbol.dispose]: () => {
      close(fd);
    },
  };
}
