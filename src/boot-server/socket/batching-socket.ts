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

/** Datagrams in one system call. */
const batchMessages = 64;
/** Calls in one turn of the event loop: other sockets have their turn then. */
const callsInTurn = 8;
/** Messages that wait while the kernel's send buffer is full; what comes beyond is lost, as on a full wire. */
const waitingLimit = 32_768;

/** Takes the pieces of a message: a few bytes that are copied, and bytes where they lie (addressOf). */
export type Gatherer = {
  readonly copy: (bytes: Uint8Array) => void;
  readonly refer: (address: number, length: number) => void;
};

/** A message to be sent. What it refers to is held by it. */
export type Message = {
  readonly peer: Peer;
  /** It leaves as datagrams of this length, the last one shorter. */
  readonly segmentBytes?: number;
  readonly gather: (into: Gatherer) => void;
  /** The kernel did not take it; errno's name. */
  readonly refused: (why: string) => void;
};

/** A UDP socket that receives and sends many datagrams with each system call. */
export type BatchingSocket = AsyncDisposable & {
  readonly port: number;
  /** What the kernel gave for data that waits to be heard. */
  readonly receiveBufferBytes: number;
  /** Puts a message into the next batch, which leaves at the end of this turn at the latest. */
  readonly send: (message: Message) => void;
};

/**
 * Opens one. Node's dgram makes a system call and several objects for each datagram; where a rack of loaders is sent,
 * that is most of the work. `heard` is called for each datagram, whose bytes are valid until it returns.
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

  /** Sends what is filled; a message that is refused is told and passed over. What a full buffer keeps back waits. */
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
    // Now, as they may send again.
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
  // koffi 3.3.4 gives libuv's status before the events, unlike its types; and it calls as no callback of Node's does, so
  // promises and ticks would wait for the next one: an immediate is one.
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
