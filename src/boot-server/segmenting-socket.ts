import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int, int, int)");
const setsockopt = libc.func("int setsockopt(int, int, int, const uint8_t *, uint32_t)");
const bind = libc.func("int bind(int, const uint8_t *, uint32_t)");
const close = libc.func("int close(int)");

// bits/socket.h, netinet/in.h, linux/udp.h
const afInet = 2;
const datagramSocket = 2;
const nonblocking = 0o4000;
const closeOnExec = 0o2000000;
const ipLevel = 0;
const mtuDiscover = 10;
const mtuDiscoverNever = 0;
const udpLevel = 17;
const udpSegment = 103;

/** A socket on a port of its own whose every send is cut into datagrams by the kernel. */
export type SegmentingSocket = {
  readonly socket: Socket;
  /** Whether the kernel does; it stops doing so with `sendWhole`. */
  readonly segments: () => boolean;
  /** From now on each send is one datagram. */
  readonly sendWhole: () => void;
};

/**
 * Opens a UDP socket at an address of ours, on a port that the kernel chooses. What is sent by it leaves as datagrams of
 * `segmentBytes` each, the last one shorter (UDP_SEGMENT, Linux 4.18): a TFTP window is one system call. Datagrams may
 * be fragmented on the way (no DF, netboot.md F4).
 */
export async function openSegmentingSocket(address: string, segmentBytes: number): Promise<SegmentingSocket> {
  const fd: number = socket(afInet, datagramSocket | nonblocking | closeOnExec, 0);
  if (fd < 0) throw new Error(`cannot open a UDP socket at ${address}: socket: errno ${koffi.errno()}`);
  const set = (level: number, option: number, value: number): boolean =>
    setsockopt(fd, level, option, new Uint8Array(Int32Array.of(value).buffer), 4) === 0;
  set(ipLevel, mtuDiscover, mtuDiscoverNever);
  let segmenting = set(udpLevel, udpSegment, segmentBytes);
  // struct sockaddr_in; port 0: any.
  const place = Uint8Array.of(afInet, 0, 0, 0, ...address.split(".").map(Number), ...new Uint8Array(8));
  if (bind(fd, place, place.length) !== 0) {
    const number = koffi.errno();
    close(fd);
    throw new Error(`cannot open a UDP socket at ${address}: bind: errno ${number}`);
  }
  // Addresses are numbers already: dgram would look each of them up in a later turn.
  const adopted = createSocket({ type: "udp4", lookup: numericLookup });
  // With a descriptor, dgram says "listening" before bind() returns (Node 24).
  const listening = once(adopted, "listening");
  adopted.bind({ fd });
  await listening;
  return {
    socket: adopted,
    segments: () => segmenting,
    sendWhole: () => {
      segmenting = false;
      set(udpLevel, udpSegment, 0);
    },
  };
}

/** For `createSocket`: takes an address as it is, at once. */
export function numericLookup(
  address: string,
  _options: unknown,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, address, 4);
}
