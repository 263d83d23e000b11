import * as host from "host";
import * as os from "os";
import { textFromBytes } from "../../../core/bytes/text.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import { checked, errnoOf } from "../../system/errno.ts";
import { writeToDescriptor } from "../../system/files.ts";
import { paceOf } from "../../system/watched-stream.ts";
import { objectSink } from "../objects/object-stream.ts";
import { isOwnFault } from "../objects/own-fault.ts";
import type { Reception } from "../objects/reception.ts";
import {
  brokenFault,
  demandContents,
  expectationOf,
  faultOf,
  type Peer,
  type PeerFetch,
  requestTo,
  stepMs,
} from "./fetch-from-peer.ts";
import type { ArrivingPart, Part } from "./part-of-content.ts";
import { peerAnswer } from "./peer-answer.ts";

const maxHeadBytes = 2048;

/** A request to one of several peers. */
export type PeerStream = {
  readonly fd: number;
  /** Takes what has arrived; false at the end of the answer, or at a fault. Throws if this machine cannot store it. */
  readonly step: (isReadable: boolean) => boolean;
  /** Ends it, and says what is stored. */
  readonly end: () => PeerFetch;
};

/** Nothing arrives faster than other peers are asked for it. */
const waitMs = 20;

/** A request under way to a peer. */
type Asked = { readonly peer: Peer; readonly stream: PeerStream };

/** Waits shortly for what the peers send, and takes it; what has ended is taken out of those that run, and settled. */
export function stepStreams<Request extends Asked>(
  running: Map<string, Request>,
  settle: (request: Request, result: PeerFetch) => void,
): void {
  const each = [...running.entries()];
  const ready = host.readable(new Int32Array(each.map(([, { stream }]) => stream.fd)).buffer, waitMs);
  for (const [index, [key, request]] of each.entries()) {
    if (request.stream.step((ready & (1 << index)) !== 0)) continue;
    running.delete(key);
    settle(request, request.stream.end());
  }
}

/** Bytes are read into this buffer, one stream after the other. */
const buffer = new Uint8Array(1 << 18);

/** Asks a peer for contents, or for a part of one, which the reception then is; throws if there is no connection. */
export function openPeerStream(
  reception: Reception | ArrivingPart,
  { peer, wanted, part }: { readonly peer: Peer; readonly wanted: readonly Content[]; readonly part?: Part },
): PeerStream {
  const fd = host.tcpConnect(peer.address, peer.port, stepMs);
  const source = `${peer.address}:${peer.port}`;
  const sink =
    part === undefined ? objectSink({ receive: () => reception }, wanted, { source, begunBytes: 0 }) : reception;
  const answer = peerAnswer({ sink, nowMs: host.monotonicMs }, wanted, part?.to);
  const judge = paceOf({ ...expectationOf(peer), isCounted: answer.isInContent });
  const takeBody = behindHead(answer.take);
  let waitedFromMs = host.monotonicMs();
  let fault: PeerFetch["fault"];

  function read(isReadable: boolean): boolean {
    const result = isReadable ? os.read(fd, buffer.buffer, 0, buffer.length) : -errnoOf.EAGAIN;
    const count = result === -errnoOf.EAGAIN ? 0 : checked("read", result);
    const nowMs = host.monotonicMs();
    judge(count, nowMs - waitedFromMs);
    if (count > 0) takeBody(buffer.subarray(0, count));
    // The time that our own disk takes is not the peer's.
    waitedFromMs = host.monotonicMs();
    if (answer.isComplete()) return false;
    if (count === 0 && result === 0) fault = brokenFault(peer);
    return fault === undefined;
  }
  function guarded<T>(work: () => T, otherwise: T): T {
    try {
      return work();
    } catch (error) {
      if (isOwnFault(error)) throw error;
      fault = faultOf(peer, error);
      return otherwise;
    }
  }
  guarded(() => writeToDescriptor(fd, requestTo(peer, wanted, part?.from ?? 0, part?.to), "write"), undefined);
  return {
    fd,
    step: (isReadable) => fault === undefined && guarded(() => read(isReadable), false),
    end: () => {
      os.close(fd);
      const stored = reception.end();
      return fault === undefined ? { stored } : { stored, fault };
    },
  };
}

/** Passes on what is behind the head of an answer of birther-peer, which ends with the connection. */
function behindHead(take: (piece: Uint8Array) => void): (piece: Uint8Array) => void {
  let head = "";
  let isBehind = false;
  return (piece) => {
    if (isBehind) {
      take(piece);
      return;
    }
    const before = head.length;
    head += textFromBytes(piece.subarray(0, maxHeadBytes));
    const end = head.indexOf("\r\n\r\n");
    if (end < 0 && head.length < maxHeadBytes) return;
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
    if (status === undefined || end < 0) throw new Error("expected the head of an answer, found something else");
    demandContents(Number(status));
    isBehind = true;
    take(piece.subarray(end + 4 - before));
  };
}
