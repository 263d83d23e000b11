import type { Socket } from "node:dgram";
import { openUdpDescriptor } from "./udp-descriptor.ts";

// netinet/in.h, linux/udp.h
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

const integer = (value: number) => new Uint8Array(Int32Array.of(value).buffer);

/**
 * Opens a UDP socket at an address of ours, on a port that the kernel chooses. What is sent by it leaves as datagrams of
 * `segmentBytes` each, the last one shorter (UDP_SEGMENT, Linux 4.18): a TFTP window is one system call. Datagrams may
 * be fragmented on the way (no DF, netboot.md F4).
 */
export async function openSegmentingSocket(address: string, segmentBytes: number): Promise<SegmentingSocket> {
  let segmenting = false;
  const { socket, set } = await openUdpDescriptor({ address, port: 0 }, (set) => {
    set(ipLevel, mtuDiscover, integer(mtuDiscoverNever));
    segmenting = set(udpLevel, udpSegment, integer(segmentBytes));
  }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot open a UDP socket at ${address}: ${why}`, { cause });
  });
  return {
    socket,
    segments: () => segmenting,
    sendWhole: () => {
      segmenting = false;
      set(udpLevel, udpSegment, integer(0));
    },
  };
}
