import * as host from "host";
import * as os from "os";
import { objectPaths } from "../../../contract/sub.ts";
import { bytesFromHex, bytesFromText, hexFromBytes } from "../../../core/bytes/text.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import { messageOf } from "../../birth/stop.ts";
import { hmacSha256 } from "../../system/hmac.ts";
import { readResponses, writeRequest } from "../../system/http-message.ts";
import type { ByteStream } from "../../system/line-buffer.ts";
import { watchedStream } from "../../system/watched-stream.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import { objectSink } from "../objects/object-stream.ts";
import { isOwnFault } from "../objects/own-fault.ts";
import type { SubContext } from "../sub-context.ts";
import { type PeerAnswer, peerAnswer } from "./peer-answer.ts";
import { isLacking, isUnready, unready } from "./unready.ts";

/** The limit for a connection to be made, and for a single read. */
export const stepMs = 1500;
/** Without a byte for this long, a peer is left. */
const stallMs = 3000;
/**
 * Only waiting for bytes of contents counts for the rate, not that between contents: a peer that gets them slowly itself is
 * left to the server to find.
 */
const leastBytesPerSecond = 1_000_000;

/** Most contents of a request to a peer (PEER_HASHES in host-peer.h). */
export const maxPeerObjects = 512;

/** Another machine that may have the contents. */
export type Peer = {
  readonly address: string;
  readonly port: number;
  /** 64 hexadecimal digits. */
  readonly key: string;
  /** The rate that its limit should give, 0 without a limit; a peer that sends less than 1 MB/s and an eighth of it is left. */
  readonly expectedBytesPerSecond: number;
};

/** How many contents from the first on are stored, and why not all of them; 0 if a content was not what it should be. */
export type PeerFetch = {
  readonly stored: number;
  readonly fault?: {
    readonly reason: string;
    readonly isToBlame: boolean;
    readonly lacksNext: boolean;
    /** The peer ended the connection, which may be no fault of its (`brokenAnswers`). */
    readonly isBroken?: true;
  };
};

/** What to fetch from whom. */
export type FromPeer = {
  readonly peer: Peer;
  readonly wanted: readonly Content[];
  /** Called often with the number of bytes that have arrived; returns false to leave the peer. */
  readonly arrived?: (bytes: number) => boolean;
};

/**
 * Fetches at most `maxPeerObjects` contents from a peer. A peer at fault costs seconds; the caller goes on with the next source. Throws if
 * this machine cannot store them.
 */
export function fetchFromPeer(
  { alive }: Pick<SubContext, "alive">,
  cache: ObjectCache,
  { peer, wanted, arrived = () => true }: FromPeer,
): PeerFetch {
  const about = (error: unknown) => faultOf(peer, error);
  let fd: number;
  try {
    fd = host.tcpConnect(peer.address, peer.port, stepMs);
  } catch (error) {
    return { stored: 0, fault: about(error) };
  }
  const source = `${peer.address}:${peer.port}`;
  const begunBytes = cache.begun.bytesFor(wanted[0]?.sha512 ?? "", source);
  const sink = objectSink(cache, wanted, { source, begunBytes });
  let fault: PeerFetch["fault"];
  try {
    const answer = peerAnswer({ sink, nowMs: host.monotonicMs }, wanted);
    exchange(watched(fd, { peer, answer, alive, arrived }), { peer, wanted, answer, begunBytes });
    if (!answer.isComplete()) fault = brokenFault(peer);
  } catch (error) {
    fault = about(error);
  } finally {
    os.close(fd);
  }
  try {
    const stored = sink.end();
    return fault === undefined ? { stored } : { stored, fault };
  } catch (error) {
    if (isOwnFault(error)) throw error;
    return { stored: 0, fault: about(error) };
  }
}

/** What an error says of a peer. */
export function faultOf({ address, port }: Peer, error: unknown): NonNullable<PeerFetch["fault"]> {
  const reason = `peer ${address}:${port}: ${messageOf(error)}`;
  return { reason, isToBlame: !isUnready(error), lacksNext: isLacking(error) };
}

/** What a peer has ended too early. */
export function brokenFault(peer: Peer): NonNullable<PeerFetch["fault"]> {
  return { ...faultOf(peer, new Error("the answer ends early")), isBroken: true };
}

/** Full, or of another key. */
const unreadyStatuses: readonly number[] = [503, 401];

/** Throws unless a peer's answer has contents. */
export function demandContents(status: number): void {
  if (unreadyStatuses.includes(status)) throw unready(`status ${status}`);
  if (status !== 200) throw new Error(`status ${status}`);
}

/** A request for contents, of which the first one is there up to this byte, and wanted up to the one before `to`. */
export function requestTo(peer: Peer, wanted: readonly Content[], begunBytes: number, to?: number): Uint8Array {
  const body = bytesFromText(wanted.map(({ sha512 }) => `${sha512}\n`).join(""));
  return writeRequest({
    ...{ method: "POST", path: objectPaths.batch, host: `${peer.address}:${peer.port}`, body },
    headers: {
      authorization: `Birther-Peer ${macOf(peer.key, body)}`,
      // An agent of an earlier version sends the whole content.
      ...(begunBytes > 0 ? { "birther-from": String(begunBytes) } : {}),
      ...(to === undefined ? {} : { "birther-to": String(to) }),
    },
  });
}

/** What is expected of a peer. */
export function expectationOf({ expectedBytesPerSecond: expected }: Peer) {
  return {
    stallMs,
    leastBytesPerSecond: expected === 0 ? leastBytesPerSecond : Math.min(leastBytesPerSecond, expected / 8),
  };
}

function exchange(
  stream: ByteStream,
  {
    peer,
    wanted,
    answer,
    begunBytes,
  }: Pick<FromPeer, "peer" | "wanted"> & { readonly answer: PeerAnswer; readonly begunBytes: number },
): void {
  stream.write(requestTo(peer, wanted, begunBytes));
  const reader = readResponses(stream);
  const head = reader.readHead();
  demandContents(head.status);
  reader.readBody(head, answer.take);
}

function macOf(keyHex: string, body: Uint8Array): string {
  const key = bytesFromHex(keyHex);
  if (key === undefined) throw new Error("key: expected hexadecimal digits");
  const start = bytesFromText(`POST ${objectPaths.batch}\n`);
  const message = new Uint8Array(start.length + body.length);
  message.set(start);
  message.set(body, start.length);
  return hexFromBytes(hmacSha256(key, message));
}

/** A connection that ends when the answer is complete, and fails when the peer stalls or is slow. */
function watched(
  fd: number,
  {
    peer,
    answer,
    alive,
    arrived,
  }: Required<Pick<FromPeer, "peer" | "arrived">> & { readonly answer: PeerAnswer; readonly alive: () => void },
): ByteStream {
  let total = 0;
  const stream = watchedStream(fd, {
    ...{ alive, ...expectationOf(peer), isCounted: answer.isInContent },
    heard: (bytes) => {
      total += bytes;
      if (!arrived(total)) throw unready("another source is better now");
    },
  });
  const read: ByteStream["read"] = (...into) => (answer.isComplete() ? 0 : stream.read(...into));
  return { ...stream, read };
}
