import type { Socket } from "node:dgram";
import {
  askForBuffer,
  integerOption,
  mustSet,
  openUdpDescriptor,
  reuseAddress,
  type SetOption,
  socketLevel,
} from "./socket-descriptor.ts";

// asm-generic/socket.h
const broadcast = { name: "SO_BROADCAST", level: socketLevel, number: 6 } as const;
const bindToDevice = { name: "SO_BINDTODEVICE", level: socketLevel, number: 25 } as const;

/**
 * Receive buffer requested for DHCP: the kernel's default holds 166 packets, and a rack that powers on sends more
 * (netboot.md §3.2).
 */
export const receiveBufferBytes = 8 * 1024 * 1024;

/** Where a socket receives: on one interface only, or at one of our addresses on any interface. */
export type DeviceAddress = ({ readonly interface: string } | { readonly address: string }) & { readonly port: number };

/**
 * A UDP socket that receives and sends on one interface only, or at one address. Node's dgram can neither tell which
 * interface received a broadcast nor choose the one to send on, so the socket is bound to the device before dgram
 * adopts it (netboot.md §5). Needs CAP_NET_RAW, and CAP_NET_BIND_SERVICE for low ports. With CAP_NET_ADMIN the receive
 * buffer has the requested size, otherwise at most net.core.rmem_max.
 */
export async function openUdpSocket(endpoint: DeviceAddress): Promise<Socket> {
  try {
    return await openUdpDescriptor({ address: addressOf(endpoint), port: endpoint.port }, configureFor(endpoint));
  } catch (cause) {
    throw cannotOpen(endpoint, cause);
  }
}

/** The address that a socket is bound to. */
export function addressOf(endpoint: DeviceAddress): string {
  return "address" in endpoint ? endpoint.address : "0.0.0.0";
}

/** Sets the options of a socket: for `bindDescriptor` and sockets made from it. */
export function configureFor(endpoint: DeviceAddress): (set: SetOption) => void {
  return (set) => {
    for (const option of [reuseAddress, broadcast]) mustSet(set, option, integerOption(1));
    if ("interface" in endpoint) mustSet(set, bindToDevice, new TextEncoder().encode(`${endpoint.interface}\0`));
    askForBuffer(set, "receive", receiveBufferBytes);
  };
}

/** The error for an address or interface on which no socket could be opened. */
export function cannotOpen(endpoint: DeviceAddress, cause: unknown): Error {
  const where = "interface" in endpoint ? `interface ${endpoint.interface}` : endpoint.address;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Error(`opening a UDP socket on ${where} failed: ${why}`, { cause });
}
