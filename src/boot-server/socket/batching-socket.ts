import koffi from "koffi";
import { layReceiveSlots, laySendSlots, type Peer, type SlotLimits } from "./mmsghdr.ts";
import {
  bindDescriptor,
  callFailed,
  closeDescriptor,
  portOf,
  receiveBufferOf,
  type SetOption,
  type SocketAddress,
} from "./socket-descriptor.ts";

const libc = koffi.load("libc.so.6");
const recvmmsg = libc.func("int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)");
const sendmmsg = libc.func("int sendmmsg(int, uintptr_t, unsigned int, int)");
const { EAGAIN, EWOULDBLOCK, EINTR } = koffi.os.errno;

/** Datagrams per system call. */
const batchMessages = 64;
/** Calls per turn of the event loop, so that other sockets get their turn. */
const callsInTurn = 8;
/** Limit of messages that wait while the kernel's send buffer is full; further ones are lost, as on a full wire. */
const waitingLimit = 32_768;

/** Takes the pieces of a message: a few bytes that are copied, and bytes that stay in place (addressOf). */
export type Gatherer = {
  readonly copy: (bytes: Uint8Array) => void;
  readonly refer: (address: number, length: number) => void;
};

/** A message to send. It holds everything that it refers to. */
export type Message = {
  readonly peer: Peer;
  /** The kernel sends it as datagrams of this length; the last may be shorter. */
  readonly segmentBytes?: number;
  readonly gather: (into: Gatherer) => void;
  /** Receives errno's name if the kernel rejected it. */
  readonly refused: (why: string) => void;
};

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
  readonly place: SocketAddress;
  readonly configure: (set: SetOption) => void;
  /** Longer datagrams are cut off. */
  readonly datagramBytes: number;
  readonly message: SlotLimits;
  readonly received: (bytes: Uint8Array, from: Peer) => void;
}): BatchingSocket {
  const { received } = of;
  const { fd } = bindDescriptor("UDP", of.place, of.configure);
  const incoming = layReceiveSlots(batchMessages, of.datagramBytes);
  const outgoing = laySendSlots(batchMessages, of.message);
  const filled: Message[] = [];
  const waiting: Message[] = [];
  let blocked = false;
  let flushing = false;
  let open = true;

  const gatherer: Gatherer = {
    copy: (bytes) => outgoing.copy(filled.length, bytes),
    refer: (address, length) => outgoing.refer(filled.length, address, length),
  };
  const fill = (message: Message): void => {
    outgoing.begin(filled.length, message.peer, message.segmentBytes);
    message.gather(gatherer);
    filled.push(message);
  };

  /**
   * Sends the filled slots; a rejected message is reported and skipped. Messages that do not fit into a full buffer
   * wait.
   */
  const flush = (): void => {
    const refused: (() => void)[] = [];
    for (let first = 0; first < filled.length; ) {
      const sent = sendmmsg(fd, outgoing.addressOf(first), filled.length - first, 0) as number;
      if (sent > 0) {
        first += sent;
        continue;
      }
      const error = koffi.errno();
      if (error === EINTR) continue;
      if (error === EAGAIN || error === EWOULDBLOCK) {
        block(filled.slice(first));
        break;
      }
      const message = filled[first];
      refused.push(() => message?.refused(callFailed("sendmmsg", error).message));
      first += 1;
    }
    filled.length = 0;
    // Last, because these callbacks may send again.
    for (const tell of refused) tell();
  };

  const block = (kept: readonly Message[]): void => {
    waiting.unshift(...kept);
    blocked = true;
    poll.start({ readable: true, writable: true }, ready);
  };
  const unblock = (): void => {
    blocked = false;
    poll.start({ readable: true }, ready);
    const again = waiting.splice(0);
    for (const message of again) send(message);
    flush();
  };

  const send = (message: Message): void => {
    if (!open) return;
    if (blocked) {
      if (waiting.length < waitingLimit) waiting.push(message);
      return;
    }
    fill(message);
    if (filled.length === batchMessages) flush();
    else flushSoon();
  };
  const flushSoon = (): void => {
    if (flushing) return;
    flushing = true;
    setImmediate(() => {
      flushing = false;
      if (open) flush();
    });
  };

  const receive = (): void => {
    for (let call = 0; call < callsInTurn; call += 1) {
      const count = recvmmsg(fd, incoming.address, batchMessages, 0, 0) as number;
      for (let slot = 0; slot < count && open; slot += 1) received(incoming.bytes(slot), incoming.peer(slot));
      if (!open) return;
      flush();
      if (count < batchMessages) return;
    }
  };
  // koffi 3.3.4 passes libuv's status before the events, unlike its types. It does not call through Node's callback
  // mechanism, so promises and ticks would wait for the next such callback; an immediate is one.
  const ready = (...said: readonly unknown[]): void => {
    const { readable, writable } = said.at(-1) as { readonly readable: boolean; readonly writable: boolean };
    try {
      if (writable && blocked) unblock();
      if (readable) receive();
      flushSoon();
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
    send,
    [Symbol.asyncDispose]: async () => {
      if (!open) return;
      flush();
      open = false;
      poll.close();
      closeDescriptor(fd);
    },
  };
}
