import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import koffi from "koffi";
import { numericLookup } from "./segmenting-socket.ts";

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int, int, int)");
const setsockopt = libc.func("int setsockopt(int, int, int, const uint8_t *, uint32_t)");
const bind = libc.func("int bind(int, const uint8_t *, uint32_t)");
const close = libc.func("int close(int)");

// bits/socket.h, bits/socket_type.h, asm-generic/socket.h
const afInet = 2;
const datagramSocket = 2;
const nonblocking = 0o4000;
const closeOnExec = 0o2000000;
const socketLevel = 1;
const reuseAddress = 2;
const broadcast = 6;
const bindToDevice = 25;
const receiveBuffer = 8;
const receiveBufferForce = 33;

/** Asked of the kernel for DHCP: its default holds 166 packets, a rack that powers on sends more (netboot.md §3.2). */
export const receiveBufferBytes = 8 * 1024 * 1024;

/** Where a socket hears: by one interface only, or at one of our addresses by any. */
export type Place = ({ readonly interface: string } | { readonly address: string }) & { readonly port: number };

/**
 * A UDP socket that hears and speaks on one interface only, or at one address. Node's dgram can neither tell by which
 * interface a broadcast came nor choose the one it leaves by, so the socket is made here, bound to the device, and only
 * then adopted (netboot.md §5). Needs CAP_NET_RAW, and CAP_NET_BIND_SERVICE for low ports; with CAP_NET_ADMIN the receive
 * buffer is what was asked for, else at most net.core.rmem_max.
 */
export async function openUdpSocket(place: Place): Promise<Socket> {
  const fd = openBound(place);
  const adopted = createSocket({ type: "udp4", lookup: numericLookup });
  // With a descriptor, dgram says "listening" before bind() returns (Node 24).
  const listening = once(adopted, "listening");
  adopted.bind({ fd });
  await listening;
  return adopted;
}

function openBound(place: Place): number {
  const { port } = place;
  const fd: number = socket(afInet, datagramSocket | nonblocking | closeOnExec, 0);
  if (fd < 0) throw failed("socket", place);
  const one = Uint8Array.of(1, 0, 0, 0);
  const options = [
    ["SO_REUSEADDR", reuseAddress, one],
    ["SO_BROADCAST", broadcast, one],
    ...("interface" in place
      ? ([["SO_BINDTODEVICE", bindToDevice, new TextEncoder().encode(`${place.interface}\0`)]] as const)
      : []),
  ] as const;
  const bytes = "address" in place ? place.address.split(".").map(Number) : [0, 0, 0, 0];
  // struct sockaddr_in: family in host order, port and address in network order.
  const address = Uint8Array.of(afInet, 0, port >> 8, port & 255, ...bytes, ...new Uint8Array(8));
  try {
    for (const [name, option, value] of options)
      if (setsockopt(fd, socketLevel, option, value, value.length) !== 0) throw failed(`setsockopt(${name})`, place);
    if (bind(fd, address, address.length) !== 0) throw failed(`bind(UDP port ${port})`, place);
    const wanted = new Uint8Array(Uint32Array.of(receiveBufferBytes).buffer);
    if (setsockopt(fd, socketLevel, receiveBufferForce, wanted, wanted.length) !== 0)
      setsockopt(fd, socketLevel, receiveBuffer, wanted, wanted.length);
  } catch (cause) {
    close(fd);
    throw cause;
  }
  return fd;
}

function failed(call: string, place: Place): Error {
  const where = "interface" in place ? `interface ${place.interface}` : place.address;
  const number = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  return new Error(`cannot open a UDP socket on ${where}: ${call}: ${name}`);
}
