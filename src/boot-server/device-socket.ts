import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import koffi from "koffi";

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

/** Asked of the kernel for DHCP: its default holds 166 packets, a rack that powers on sends more (netboot.md §3.2). */
const receiveBufferBytes = 4 * 1024 * 1024;

/**
 * A UDP socket on 0.0.0.0 that hears and speaks on one interface only. Node's dgram can neither tell by which interface
 * a broadcast came nor choose the one it leaves by, so the socket is made here, bound to the device, and only then
 * adopted (netboot.md §5). Needs CAP_NET_RAW, and CAP_NET_BIND_SERVICE for low ports.
 */
export async function openDeviceSocket(interfaceName: string, port: number): Promise<Socket> {
  const fd = openBound(interfaceName, port);
  const adopted = createSocket("udp4");
  // With a descriptor, dgram says "listening" before bind() returns (Node 24).
  const listening = once(adopted, "listening");
  adopted.bind({ fd });
  await listening;
  adopted.setRecvBufferSize(receiveBufferBytes);
  return adopted;
}

function openBound(interfaceName: string, port: number): number {
  const fd: number = socket(afInet, datagramSocket | nonblocking | closeOnExec, 0);
  if (fd < 0) throw failed("socket", interfaceName);
  const one = Uint8Array.of(1, 0, 0, 0);
  const options = [
    ["SO_REUSEADDR", reuseAddress, one],
    ["SO_BROADCAST", broadcast, one],
    ["SO_BINDTODEVICE", bindToDevice, new TextEncoder().encode(`${interfaceName}\0`)],
  ] as const;
  // struct sockaddr_in: family in host order, port in network order, address 0.0.0.0.
  const address = Uint8Array.of(afInet, 0, port >> 8, port & 255, ...new Uint8Array(12));
  try {
    for (const [name, option, value] of options)
      if (setsockopt(fd, socketLevel, option, value, value.length) !== 0)
        throw failed(`setsockopt(${name})`, interfaceName);
    if (bind(fd, address, address.length) !== 0) throw failed(`bind(UDP port ${port})`, interfaceName);
  } catch (cause) {
    close(fd);
    throw cause;
  }
  return fd;
}

function failed(call: string, interfaceName: string): Error {
  const number = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  return new Error(`cannot open a DHCP socket on interface ${interfaceName}: ${call}: ${name}`);
}
