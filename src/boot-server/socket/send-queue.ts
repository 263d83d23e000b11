import koffi from "koffi";
import { laySendSlots, type Peer, type SendSlots, type SlotLimits } from "./mmsghdr.ts";
import { callFailed } from "./socket-descriptor.ts";

const sendmmsg = koffi.load("libc.so.6").func("int sendmmsg(int, uintptr_t, unsigned int, int)");
const { EAGAIN, EWOULDBLOCK, EINTR } = koffi.os.errno;

/** Datagrams per system call. */
export const batchMessages = 64;
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

/** The messages that a socket has to send: a batch in the slots, and more while the kernel's send buffer is full. */
export class SendQueue {
  readonly #fd: number;
  readonly #slots: SendSlots;
  readonly #gatherer: Gatherer;
  /** Called when the kernel's buffer is full: `resume` is due when the socket is writable again. */
  readonly #onFull: () => void;
  /** The messages in the slots, in their order. */
  readonly #filled: Message[] = [];
  readonly #waiting: Message[] = [];
  #isFull = false;
  #isFlushPlanned = false;
  #isClosed = false;

  constructor(fd: number, message: SlotLimits, onFull: () => void) {
    this.#fd = fd;
    this.#onFull = onFull;
    const slots = laySendSlots(batchMessages, message);
    this.#slots = slots;
    this.#gatherer = {
      copy: (bytes) => slots.copy(this.#filled.length, bytes),
      refer: (address, length) => slots.refer(this.#filled.length, address, length),
    };
  }

  /** Whether messages wait for the kernel's buffer. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Adds a message to the next batch, which is sent at the end of this turn at the latest. */
  send(message: Message): void {
    if (this.#isClosed) return;
    if (this.#isFull) {
      if (this.#waiting.length < waitingLimit) this.#waiting.push(message);
      return;
    }
    this.#slots.begin(this.#filled.length, message.peer, message.segmentBytes);
    message.gather(this.#gatherer);
    this.#filled.push(message);
    if (this.#filled.length === batchMessages) this.flush();
    else this.flushSoon();
  }

  /** Sends the batch at the end of this turn. */
  flushSoon(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    setImmediate(() => {
      this.#isFlushPlanned = false;
      if (!this.#isClosed) this.flush();
    });
  }

  /** Sends the batch. A rejected message is reported and skipped; messages that do not fit into a full buffer wait. */
  flush(): void {
    const filled = this.#filled;
    const refused: (() => void)[] = [];
    for (let first = 0; first < filled.length; ) {
      const sent = sendmmsg(this.#fd, this.#slots.addressOf(first), filled.length - first, 0) as number;
      if (sent > 0) {
        first += sent;
        continue;
      }
      const error = koffi.errno();
      if (error === EINTR) continue;
      if (error === EAGAIN || error === EWOULDBLOCK) {
        this.#waiting.unshift(...filled.slice(first));
        this.#isFull = true;
        this.#onFull();
        break;
      }
      const message = filled[first];
      refused.push(() => message?.refused(callFailed("sendmmsg", error).message));
      first += 1;
    }
    filled.length = 0;
    // Last, because these callbacks may send again.
    for (const report of refused) report();
  }

  /** Sends what waited for the kernel's buffer. */
  resume(): void {
    this.#isFull = false;
    for (const message of this.#waiting.splice(0)) this.send(message);
    this.flush();
  }

  /** Sends what the kernel still takes; later messages are ignored. */
  close(): void {
    this.flush();
    this.#isClosed = true;
  }
}
