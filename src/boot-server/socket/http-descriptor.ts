import { bindDescriptor, integerOption, mustSet, reuseAddress, type SocketAddress } from "./socket-descriptor.ts";

/**
 * Limit of unsent bytes in the kernel per connection, beyond its window. Without it they grow to 4 MiB each: fifty
 * clients then read from memory what fits into a processor's cache, and a thousand slow ones exhaust it
 * (docs/boot-server-speed.md).
 */
const unsentBytes = 256 * 1024;

// netinet/tcp.h
const notSentLowWater = { name: "TCP_NOTSENT_LOWAT", level: 6, number: 25 } as const;

/**
 * A bound socket for one of Node's servers; accepted connections inherit its options. Throws an error with the address
 * and errno's name if that fails.
 */
export function bindHttpDescriptor(endpoint: SocketAddress): number {
  try {
    const { fd } = bindDescriptor("TCP", endpoint, (set) => {
      // As in Node: allows connections of an earlier process on this port.
      mustSet(set, reuseAddress, integerOption(1));
      mustSet(set, notSentLowWater, integerOption(unsentBytes));
    });
    return fd;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const next = "to see which process uses a port, run ss -ltnp";
    throw new Error(`opening the HTTP port ${endpoint.address}:${endpoint.port} failed: ${why}; ${next}`, { cause });
  }
}
