import { largestMessage } from "../../core/dhcp/codec/write.ts";
import { openBatchingSocket } from "../socket/batching-socket.ts";
import { addressOf, cannotOpen, configureFor, type DeviceAddress } from "../socket/device-socket.ts";
import type { Peer } from "../socket/mmsghdr.ts";

/** More than an Ethernet frame of usual length carries; longer datagrams are cut off. */
const datagramBytes = 4096;

/** A socket that receives and answers DHCP, many datagrams per system call. */
export type DhcpSocket = AsyncDisposable & {
  readonly receiveBufferBytes: number;
  /**
   * Sends before this turn of the event loop ends; `refused` receives errno's name if the kernel does not accept it.
   */
  readonly send: (bytes: Uint8Array, to: Peer, refused: (why: string) => void) => void;
};

/** Opens one; requirements and errors as with `openUdpSocket`. The listener may keep the bytes. */
export function openDhcpSocket(endpoint: DeviceAddress, received: (bytes: Uint8Array, from: Peer) => void): DhcpSocket {
  try {
    const socket = openBatchingSocket({
      endpoint: { address: addressOf(endpoint), port: endpoint.port },
      configure: configureFor(endpoint),
      ...{ datagramBytes, message: { pieces: 1, scratchBytes: largestMessage } },
      // Copied from the pool of Buffers, because an array of its own for each datagram costs four times as much.
      received: (bytes, from) => received(Buffer.from(bytes), from),
    });
    return {
      receiveBufferBytes: socket.receiveBufferBytes,
      send: (bytes, peer, refused) => socket.send({ peer, gather: ({ copy }) => copy(bytes), refused }),
      [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
    };
  } catch (cause) {
    throw cannotOpen(endpoint, cause);
  }
}
