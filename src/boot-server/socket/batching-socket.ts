import koffi from "koffi";
import { layReceiveSlots, type Peer, type SlotLimits } from "./mmsghdr.ts";
import { batchMessages, type Message, SendQueue } from "./send-queue.ts";
import {
  bindDescriptor,
  closeDescriptor,
  portOf,
  receiveBufferOf,
  type SetOption,
  type SocketAddress,
} from "./socket-descriptor.ts";

const recvmmsg = koffi.load("libc.so.6").func("int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)");

/** Calls per turn of the event loop, so that other sockets get their turn. */
const callsInTurn = 8;

/** A UDP socket that receives and sends many datagrams per system call. */
export type BatchingSocket = AsyncDisposable & {
  readonly port: number;
  /** The size of the kernel's receive buffer. */
  readonly receiveBufferBytes: number;
  /** Adds a message to the next batch, which is sent at the end of this turn at the latest. */
  readonly send: (message: Message) => void;
};

/**
 * Opens one. Node's dgram needs a system call and several objects for each datagram; when loaders for a rack are sent,
 * that is most of the work. The listener is called for each datagram, whose bytes are valid until it returns.
 */
export function openBatchingSocket(of: {
  readonly endpoint: SocketAddress;
  readonly configure: (set: SetOption) => void;
  /** Longer datagrams are cut off. */
  readonly datagramBytes: number;
  readonly message: SlotLimits;
  readonly received: (bytes: Uint8Array, from: Peer) => void;
}): BatchingSocket {
  const { received } = of;
  const { fd } = bindDescriptor("UDP", of.endpoint, of.configure);
  const incoming = layReceiveSlots(batchMessages, of.datagramBytes);
  const outgoing = new SendQueue(fd, of.message, () => poll.start({ readable: true, writable: true }, ready));
  let open = true;

  const receive = (): void => {
    for (let call = 0; call < callsInTurn; call += 1) {
      const count = recvmmsg(fd, incoming.address, batchMessages, 0, 0) as number;
      for (let slot = 0; slot < count && open; slot += 1) received(incoming.bytes(slot), incoming.peer(slot));
      if (!open) return;
      outgoing.flush();
      if (count < batchMessages) return;
    }
  };
  // koffi 3.3.4 passes libuv's status before the events, unlike its types. It does not call through Node's callback
  // mechanism, so promises and ticks would wait for the next such callback; an immediate is one.
  const ready = (...said: readonly unknown[]): void => {
    const { readable, writable } = said.at(-1) as { readonly readable: boolean; readonly writable: boolean };
    try {
      if (writable && outgoing.isFull) {
        poll.start({ readable: true }, ready);
        outgoing.resume();
      }
      if (readable) receive();
      outgoing.flushSoon();
    } catch (cause) {
      setImmediate(() => {
        throw cause;
      });
    }
  };
  const poll = koffi.node.poll(fd, { readable: true }, ready);

  return {
    port: portOf(fd),
    receiveBufferBytes: receiveBufferOf(fd),
    send: (message) => outgoing.send(message),
    [Symbol.asyncDispose]: async () => {
      if (!open) return;
      outgoing.close();
      open = false;
      poll.close();
      closeDescriptor(fd);
    },
  };
}
