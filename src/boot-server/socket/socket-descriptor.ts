import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int, int, int)");
const setsockopt = libc.func("int setsockopt(int, int, int, const uint8_t *, uint32_t)");
const getsockopt = libc.func("int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)");
const bind = libc.func("int bind(int, const uint8_t *, uint32_t)");
const getsockname = libc.func("int getsockname(int, _Out_ uint8_t *, _Inout_ uint32_t *)");
const close = libc.func("int close(int)");

// bits/socket.h, bits/socket_type.h
const afInet = 2;
const socketTypes = { TCP: 1, UDP: 2 } as const;
const nonblocking = 0o4000;
const closeOnExec = 0o2000000;

/** Sets a socket option (setsockopt(2)); false if the kernel refuses it. */
export type SetOption = (level: number, option: number, value: Uint8Array) => boolean;

/** A socket option, with its usual name. */
export type SocketOption = { readonly name: string; readonly level: number; readonly number: number };

/** Sets a required socket option; throws an error with errno's name if the kernel refuses it. */
export function mustSet(set: SetOption, { name, level, number }: SocketOption, value: Uint8Array): void {
  if (!set(level, number, value)) throw callFailed(`setsockopt(${name})`);
}

/** The IPv4 address of a socket: with port 0 the kernel chooses one. */
export type SocketAddress = { readonly address: string; readonly port: number };

/**
 * Makes a socket with options that Node does not offer, and binds it. `configure` runs before the bind, so that no
 * packet is queued that the options would exclude. Throws an error with errno's name when a call fails or `configure`
 * throws; then nothing is left open.
 */
export function bindDescriptor(
  protocol: keyof typeof socketTypes,
  endpoint: SocketAddress,
  configure: (set: SetOption) => void,
): { readonly fd: number; readonly set: SetOption } {
  const fd: number = socket(afInet, socketTypes[protocol] | nonblocking | closeOnExec, 0);
  if (fd < 0) throw callFailed("socket");
  const set: SetOption = (level, option, value) => setsockopt(fd, level, option, value, value.length) === 0;
  // struct sockaddr_in: family in host order, port and address in network order.
  const bytes = endpoint.address.split(".").map(Number);
  const name = Uint8Array.of(afInet, 0, endpoint.port >> 8, endpoint.port & 255, ...bytes, ...new Uint8Array(8));
  try {
    configure(set);
    if (bind(fd, name, name.length) !== 0) throw callFailed(`bind(${protocol} port ${endpoint.port})`);
  } catch (cause) {
    close(fd);
    throw cause;
  }
  return { fd, set };
}

/** The same for UDP, adopted by dgram (netboot.md §5). */
export async function openUdpDescriptor(endpoint: SocketAddress, configure: (set: SetOption) => void): Promise<Socket> {
  const { fd } = bindDescriptor("UDP", endpoint, configure);
  const adopted = createSocket({ type: "udp4", lookup: numericLookup });
  // With a descriptor, dgram emits "listening" before bind() returns (Node 24).
  const listening = once(adopted, "listening");
  adopted.bind({ fd });
  await listening;
  return adopted;
}

/** The port that a socket is bound to. */
export function portOf(fd: number): number {
  const name = new Uint8Array(16);
  if (getsockname(fd, name, Uint32Array.of(name.length)) !== 0) throw callFailed("getsockname");
  return new DataView(name.buffer).getUint16(2);
}

/** Closes a descriptor that dgram has not adopted. */
export function closeDescriptor(fd: number): void {
  close(fd);
}

/** The error of the last failed system call, with errno's name. */
export function callFailed(call: string, number: number = koffi.errno()): Error {
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  return new Error(`${call}: ${name}`);
}

// asm-generic/socket.h
export const socketLevel = 1;
export const reuseAddress = { name: "SO_REUSEADDR", level: socketLevel, number: 2 } as const;
const buffers = { receive: { forced: 33, allowed: 8 }, send: { forced: 32, allowed: 7 } } as const;

/**
 * Requests a buffer of this number of bytes; with CAP_NET_ADMIN the kernel grants it, otherwise only up to its limits.
 */
export function askForBuffer(set: SetOption, which: keyof typeof buffers, bytes: number): void {
  const { forced, allowed } = buffers[which];
  if (!set(socketLevel, forced, integerOption(bytes))) set(socketLevel, allowed, integerOption(bytes));
}

/** The size of the receive buffer; the kernel reports twice that (socket(7), SO_RCVBUF). */
export function receiveBufferOf(fd: number): number {
  const value = new Uint8Array(4);
  if (getsockopt(fd, socketLevel, buffers.receive.allowed, value, Uint32Array.of(value.length)) !== 0)
    throw callFailed("getsockopt(SO_RCVBUF)");
  return (new Int32Array(value.buffer)[0] ?? 0) / 2;
}

/** The value of an int socket option. */
export function integerOption(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** For `createSocket`: accepts an address at once, because dgram would look each up in a later turn. */
export function numericLookup(
  address: string,
  _options: unknown,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, address, 4);
}
