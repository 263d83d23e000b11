import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int, int, int)");
const setsockopt = libc.func("int setsockopt(int, int, int, const uint8_t *, uint32_t)");
const sendto = libc.func("intptr_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)");
const recvfrom = libc.func("intptr_t recvfrom(int, _Out_ uint8_t *, size_t, int, _Out_ uint8_t *, _Inout_ uint32_t *)");
const ifNameToIndex = libc.func("uint32_t if_nametoindex(const char *)");
const close = libc.func("int close(int)");

// linux/socket.h, bits/socket_type.h, linux/if_packet.h
const afPacket = 17;
const sockRaw = 3;
const sockNonblock = 0o4000;
const sockCloexec = 0o2000000;
const solPacket = 263;
const packetAddMembership = 1;
const packetMrMulticast = 0;
const maximumFrameBytes = 9216;

/** A received frame, with the index of the interface that received it. */
export type ReceivedFrame = { readonly interfaceIndex: number; readonly frame: Uint8Array };

/**
 * Ethernet frames of one type on all interfaces of this network namespace (packet(7)), with their headers in both
 * directions.
 */
export type PacketSocket = {
  /** Sends a whole frame. Returns `false` if the link is down, because losing a packet is not an error. */
  readonly send: (interfaceIndex: number, frame: Uint8Array) => boolean;
  /** The next received frame, or undefined; never blocks. */
  readonly receive: () => ReceivedFrame | undefined;
  readonly [Symbol.dispose]: () => void;
};

/** The kernel's index of an interface; throws if it does not exist. */
export function interfaceIndex(name: string): number {
  const index: number = ifNameToIndex(name);
  if (index === 0) throw new Error(`looking up an interface: expected ${name}, found no interface of that name`);
  return index;
}

/**
 * Opens a packet socket that also receives the multicast `group` on the `interfaces` with these indexes. Needs
 * CAP_NET_RAW.
 */
export function openPacketSocket(etherType: number, group: Uint8Array, interfaces: readonly number[]): PacketSocket {
  const fd: number = socket(afPacket, sockRaw | sockNonblock | sockCloexec, swapped(etherType));
  if (fd < 0) throw failed("socket(AF_PACKET)");
  for (const index of interfaces) {
    // struct packet_mreq: int ifindex, unsigned short type, alen, unsigned char address[8]
    const membership = new Uint8Array(16);
    const view = new DataView(membership.buffer);
    view.setInt32(0, index, true);
    view.setUint16(4, packetMrMulticast, true);
    view.setUint16(6, group.length, true);
    membership.set(group, 8);
    if (setsockopt(fd, solPacket, packetAddMembership, membership, membership.length) !== 0) {
      throw failed("setsockopt(PACKET_ADD_MEMBERSHIP)");
    }
  }
  const buffer = new Uint8Array(maximumFrameBytes);
  return {
    send: (index, frame) => {
      const address = linkAddress(index, frame.subarray(0, 6));
      return sendto(fd, frame, frame.length, 0, address, address.length) === frame.length;
    },
    receive: () => {
      const address = new Uint8Array(20);
      const length: number = recvfrom(fd, buffer, buffer.length, 0, address, [address.length]);
      if (length < 0) return undefined;
      return { interfaceIndex: new DataView(address.buffer).getInt32(4, true), frame: buffer.slice(0, length) };
    },
    [Symbol.dispose]: () => {
      close(fd);
    },
  };
}

/** struct sockaddr_ll: family, protocol, ifindex, hatype, pkttype, halen, addr[8]. */
function linkAddress(index: number, destination: Uint8Array): Uint8Array {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, afPacket, true);
  view.setInt32(4, index, true);
  view.setUint8(11, destination.length);
  address.set(destination, 12);
  return address;
}

/** Network byte order, as packet(7) requires for the protocol. */
const swapped = (etherType: number) => ((etherType & 0xff) << 8) | (etherType >>> 8);

const failed = (call: string) => new Error(`${call} failed with errno ${koffi.errno()}`);
