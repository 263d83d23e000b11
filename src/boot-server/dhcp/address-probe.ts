import { conflictIn, readArp, writeArpProbe } from "../../core/net/arp.ts";
import type { Ipv4 } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import { type ArpSocket, openArpSocket } from "../socket/arp-socket.ts";

/** Asks on a wire who uses an address. */
export type AddressProbe = Disposable & {
  /** False while as many questions are open as there may be: a flood of newcomers is answered without waiting. */
  readonly canAsk: () => boolean;
  /**
   * The MAC address of a host that uses the address; undefined if none answers within a fifth of a second, or nobody can
   * be asked now: too many questions at once, or no permission.
   */
  readonly hostAt: (address: Ipv4) => Promise<Mac | undefined>;
};

/** A host on the same wire answers within milliseconds. A second question follows, because a frame may be lost. */
const lookEveryMs = 10;
const askAgainMs = 100;
const waitMs = 200;
/** Questions at once: more than a rack's machines that are switched on together, and few frames for the wire. */
const questionLimit = 256;
/** Frames read at once, so that a storm of them does not hold up the packets. */
const framesPerLook = 256;

type Question = {
  readonly askedMs: number;
  askedAgain: boolean;
  readonly answer: (other: Mac | undefined) => void;
  readonly answered: Promise<Mac | undefined>;
};

/** Opens a probe on an interface. It listens only while a question is open. */
export function openAddressProbe(interfaceName: string): AddressProbe {
  const questions = new Map<Ipv4, Question>();
  let socket: ArpSocket | undefined;
  let timer: NodeJS.Timeout | undefined;

  function end(address: Ipv4, other: Mac | undefined): void {
    const question = questions.get(address);
    questions.delete(address);
    question?.answer(other);
    if (questions.size === 0) rest();
  }
  function rest(): void {
    clearInterval(timer);
    socket?.[Symbol.dispose]();
    timer = socket = undefined;
  }
  function readFrames({ mac, receive }: ArpSocket): void {
    for (let frames = 0; frames < framesPerLook && socket !== undefined; frames += 1) {
      const frame = receive();
      if (frame === undefined) return;
      const message = readArp(frame);
      if (message === undefined) continue;
      for (const address of new Set([message.senderAddress, message.targetAddress])) {
        const other = questions.has(address) ? conflictIn(message, { mac, address }) : undefined;
        if (other !== undefined) end(address, other);
      }
    }
  }
  function look(): void {
    if (socket !== undefined) readFrames(socket);
    for (const [address, question] of questions) {
      const waitedMs = performance.now() - question.askedMs;
      if (waitedMs >= waitMs) end(address, undefined);
      else if (waitedMs >= askAgainMs && !question.askedAgain && socket !== undefined) {
        question.askedAgain = true;
        socket.send(writeArpProbe(socket.mac, address));
      }
    }
  }

  const canAsk = () => questions.size < questionLimit;
  return {
    canAsk,
    hostAt: (address) => {
      const open = questions.get(address);
      if (open !== undefined) return open.answered;
      socket ??= openArpSocket(interfaceName);
      if (socket === undefined || !canAsk()) return Promise.resolve(undefined);
      timer ??= setInterval(look, lookEveryMs);
      const { promise: answered, resolve: answer } = Promise.withResolvers<Mac | undefined>();
      questions.set(address, { askedMs: performance.now(), askedAgain: false, answer, answered });
      socket.send(writeArpProbe(socket.mac, address));
      return answered;
    },
    [Symbol.dispose]: () => {
      for (const { answer } of questions.values()) answer(undefined);
      questions.clear();
      rest();
    },
  };
}
