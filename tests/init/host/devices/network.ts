import { lldpEtherType } from "../../../../src/core/lldp/lldpdu.ts";
import type { BoardFacts } from "../board.ts";
import type { Cpu } from "../system/cpu.ts";
import type { OpenFile } from "../system/descriptors.ts";
import { fault } from "../system/errno.ts";

/** The server's end of a connection; its answer is complete at once. */
export type Conversation = {
  /** The server's whole answer to these bytes, and whether it then closes. */
  readonly exchange: (bytes: Uint8Array) => { readonly bytes: Uint8Array; readonly closed: boolean };
  /** What the server sends later without being asked, and after how long; the connection's answers end it if absent. */
  readonly later?: () => { readonly bytes: Uint8Array; readonly afterMs: number };
  readonly close: () => void;
};

/** A listening server at `ADDRESS:PORT`, perhaps with TLS. */
export type Listener = {
  readonly connect: (clientAddress: string) => Conversation;
  readonly tls?: {
    readonly caPem: string;
    readonly serverName: string;
    readonly fromMs: number;
    readonly toMs: number;
  };
};

/** The network at the other end of the machine's cable. */
export type Wire = {
  /** Servers by `ADDRESS:PORT`, as the machine can reach them now. */
  readonly listeners: ReadonlyMap<string, Listener>;
  /** The switch's LLDP frames: the first after a delay, then periodically; none if the switch is silent. */
  readonly lldp?: { readonly frames: readonly Uint8Array[]; readonly everyMs: number };
  /** What arrives by UDP at `ADDRESS:PORT` from an address. */
  readonly datagram?: (endpoint: string, from: string, bytes: Uint8Array) => void;
  /** The frames that other hosts send in answer to one of the machine; none if they are silent. */
  readonly answer?: (frame: Uint8Array) => readonly Uint8Array[];
};

/** The NIC that boots; the others of the board only hear their switches. */
export type Nic = {
  readonly up: () => void;
  readonly hasLink: () => boolean;
  readonly setAddress: (address: string) => void;
  readonly address: () => string;
  readonly connect: (endpoint: string, timeoutMs: number) => OpenFile;
  /** A UDP socket that only sends. */
  readonly openDatagrams: (endpoint: string) => OpenFile;
  /** A socket that receives frames of one Ethernet type. */
  readonly openPackets: (name: string, etherType: number) => OpenFile;
};

/** The time limit of a read from another machine (`stepMs` in fetch-from-peer.ts). */
const readMs = 1500;
/** Two milliseconds of round-trip time. */
const roundTripMs = 2;

/** A NIC whose link comes up some time after it is enabled. */
export function makeNic(deps: { readonly cpu: Cpu; readonly facts: BoardFacts; readonly wire: Wire }): Nic {
  const { cpu, facts, wire } = deps;
  let upMs = Number.POSITIVE_INFINITY;
  let own = "";

  const hasLink = () => cpu.monotonicMs() >= upMs + facts.linkAfterMs;
  function connect(endpoint: string, timeoutMs: number): OpenFile {
    if (own === "") throw fault("ENETUNREACH");
    if (!hasLink()) {
      cpu.advance(timeoutMs);
      throw fault("ETIMEDOUT");
    }
    cpu.advance(roundTripMs);
    const listener = wire.listeners.get(endpoint);
    if (listener === undefined) throw fault("ECONNREFUSED");
    return openSocket(endpoint, listener);
  }
  function openSocket(endpoint: string, { connect: begin, tls }: Listener): OpenFile {
    const server = begin(own);
    let sent: Uint8Array[] = [];
    let waiting: Uint8Array = new Uint8Array(0);
    let closed = false;
    return {
      about: endpoint,
      write: (bytes) => {
        if (closed) throw fault("EPIPE");
        sent.push(bytes.slice());
        return bytes.length;
      },
      read: (buffer) => {
        if (waiting.length === 0 && !closed && sent.length > 0) {
          cpu.advance(roundTripMs);
          const answer = server.exchange(Buffer.concat(sent));
          sent = [];
          waiting = answer.bytes;
          closed = answer.closed;
        }
        if (waiting.length === 0 && !closed && server.later !== undefined) {
          const { bytes, afterMs } = server.later();
          cpu.advance(Math.min(afterMs, readMs));
          if (afterMs > readMs || bytes.length === 0) throw fault("EAGAIN");
          waiting = bytes;
        }
        if (waiting.length === 0 && !closed) throw fault("ETIMEDOUT");
        const count = Math.min(buffer.length, waiting.length);
        buffer.set(waiting.subarray(0, count));
        waiting = waiting.subarray(count);
        return count;
      },
      close: server.close,
      peer: {
        tls: (caPem, serverName) => {
          if (tls === undefined) return "SSL - An invalid SSL record was received";
          if (caPem !== tls.caPem) return "The certificate is not correctly signed by the trusted CA";
          if (serverName !== tls.serverName)
            return "The certificate Common Name (CN) does not match with the expected CN";
          if (cpu.realtimeMs() < tls.fromMs) return "The certificate validity starts in the future";
          return cpu.realtimeMs() > tls.toMs ? "The certificate validity has expired" : undefined;
        },
      },
    };
  }
  function openDatagrams(endpoint: string): OpenFile {
    if (own === "") throw fault("ENETUNREACH");
    const send = (bytes: Uint8Array): void => {
      if (hasLink()) wire.datagram?.(endpoint, own, bytes);
    };
    return { about: endpoint, frames: { send, receive: () => undefined } };
  }
  function openPackets(name: string, etherType: number): OpenFile {
    const openedMs = cpu.monotonicMs();
    let next = 0;
    const answers: Uint8Array[] = [];
    const other = facts.otherNics.find((nic) => nic.name === name);
    const otherLldp = other?.lldp === undefined ? undefined : { frames: [other.lldp], everyMs: 1000 };
    const announced = other === undefined ? wire.lldp : otherLldp;
    return {
      about: name,
      frames: {
        send: (frame) => void answers.push(...(other === undefined ? (wire.answer?.(frame) ?? []) : [])),
        receive: (timeoutMs) => {
          const answer = answers.shift();
          if (answer !== undefined) {
            cpu.advance(roundTripMs);
            return answer;
          }
          const lldp = etherType === lldpEtherType ? announced : undefined;
          const dueMs = lldp === undefined ? Number.POSITIVE_INFINITY : openedMs + (next + 1) * lldp.everyMs;
          const waitMs = Math.max(0, dueMs - cpu.monotonicMs());
          if (lldp === undefined || waitMs > timeoutMs) {
            cpu.advance(timeoutMs);
            return undefined;
          }
          cpu.advance(waitMs);
          next += 1;
          return lldp.frames[(next - 1) % lldp.frames.length];
        },
      },
    };
  }
  return {
    up: () => {
      upMs = Math.min(upMs, cpu.monotonicMs());
    },
    hasLink,
    setAddress: (address) => {
      own = address;
    },
    address: () => own,
    connect,
    openDatagrams,
    openPackets,
  };
}
