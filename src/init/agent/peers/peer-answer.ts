import { decodeUtf8 } from "../../../core/bytes/utf8.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import type { ObjectSink } from "../objects/object-stream.ts";
import { lacking, unready } from "./unready.ts";

/** `HEX LENGTH FROM` and its end: 128 digits, and twice a space and at most 16 digits. */
const maxLineBytes = 170;
/** A peer waits for a content for 10 s and then gives up; one that says so for longer is not honest. */
const maxWaitingMs = 12_000;

/** The answer of a peer, piece by piece. */
export type PeerAnswer = {
  /** Throws if the peer does not have the next content, waits for too long, or sends what was not asked for. */
  readonly take: (piece: Uint8Array) => void;
  /** Whether the next byte is one of a content: the peer has it. What is between contents, it may have to wait for. */
  readonly isInContent: () => boolean;
  /** Whether every content has arrived. */
  readonly isComplete: () => boolean;
};

/**
 * Passes the contents of an answer on to a sink, which verifies them. Between contents, a peer says `HEX ?` while it waits for one,
 * `HEX -` if it does not have it, and `HEX !` if it never will (host-peer-answer.c). With `endBytes`, only the bytes of the one content before
 * that one are wanted; what follows is not looked at.
 */
export function peerAnswer(
  { sink, nowMs }: { readonly sink: ObjectSink; readonly nowMs: () => number },
  wanted: readonly Content[],
  endBytes?: number,
): PeerAnswer {
  const line = new Uint8Array(maxLineBytes);
  let filled = 0;
  let next = 0;
  let leftBytes = 0;
  let waitingSinceMs: number | undefined;

  function wait(): void {
    waitingSinceMs ??= nowMs();
    if (nowMs() - waitingSinceMs > maxWaitingMs)
      throw unready(`the peer waits for its own contents, beyond ${maxWaitingMs / 1000} s`);
  }
  /** Takes the line in the buffer, which has its end. */
  function takeLine(): void {
    const content = wanted[next];
    const text = decodeUtf8(line.subarray(0, filled - 1));
    if (content === undefined) throw new Error(`the peer sends more than the ${wanted.length} objects asked for`);
    if (text === `${content.sha512} ?`) {
      wait();
      return;
    }
    if (text === `${content.sha512} !`) throw lacking(`the peer lacks ${content.sha512.slice(0, 16)}…`);
    if (text === `${content.sha512} -`) throw unready(`the peer does not have ${content.sha512.slice(0, 16)}…`);
    waitingSinceMs = undefined;
    sink.take(line.subarray(0, filled));
    // The sink has checked the line: a third word is how many bytes are left out.
    leftBytes = (endBytes ?? content.size) - Number(text.split(" ")[2] ?? 0);
    next += 1;
  }
  /** Returns how many bytes of the piece it used. */
  function takeSome(piece: Uint8Array): number {
    if (leftBytes > 0) {
      const part = piece.subarray(0, leftBytes);
      sink.take(part);
      leftBytes -= part.length;
      return part.length;
    }
    const end = piece.indexOf(10);
    const part = piece.subarray(0, end < 0 ? piece.length : end + 1);
    if (filled + part.length > maxLineBytes) throw new Error("expected a list of objects, found another answer");
    line.set(part, filled);
    filled += part.length;
    if (end >= 0) {
      takeLine();
      filled = 0;
    }
    return part.length;
  }
  const isComplete = () => next === wanted.length && leftBytes === 0;
  return {
    take: (piece) => {
      for (let offset = 0; offset < piece.length; ) {
        if (endBytes !== undefined && isComplete()) return;
        offset += takeSome(piece.subarray(offset));
      }
    },
    isInContent: () => leftBytes > 0,
    isComplete,
  };
}
