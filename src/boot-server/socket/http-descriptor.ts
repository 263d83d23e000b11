import { bindDescriptor, integerOption, mustSet, reuseAddress, type SocketAddress } from "./socket-descriptor.ts";

/**
 * Bytes that wait in the kernel of a connection, beyond what its window lets out. Without a limit they grow to 4 MiB each: fifty
 * clients then read from memory what a processor's cache could hold, and a thousand slow ones fill it (docs/boot-server-speed.md).
 */
const unsentBytes = 256 * 1024;

// netinet/tcp.h
const notSentLowWater = { name: "TCP_NOTSENT_LOWAT", level: 6, number: 25 } as const;

/**
 * A bound socket for a server of Node's to listen by; the connections that it accepts have its options. Throws, with place and
 * errno's name, where it cannot be had.
 */
export function bindHttpDescriptor(place: SocketAddress): number {
  try {
    const { fd } = bindDescriptor("TCP", place, (set) => {
      // As Node does: what the last process had open there is no hindrance.
      mustSet(set, reuseAddress, integerOption(1));
      mustSet(set, notSentLowWater, integerOption(unsentBytes));
    });
    return fd;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const next = "ss -ltnp shows who has a port";
    throw new Error(`cannot serve HTTP at ${place.address}:${place.port}: ${why}; ${next}`, { cause });
  }
}
