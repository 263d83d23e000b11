import type { Content } from "../../../core/image/update/difference.ts";
import { severalSources } from "../objects/begun-content.ts";
import type { Turn } from "../objects/fetch-turn.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import type { Reception } from "../objects/reception.ts";
import type { SubContext } from "../sub-context.ts";
import { type Account, digestOf } from "./accounts.ts";
import { brokenAnswers } from "./broken-answers.ts";
import { faultOf, type PeerFetch } from "./fetch-from-peer.ts";
import { judgePeer } from "./judge-peer.ts";
import { type ArrivingPart, arrivingPart, type Part } from "./part-of-content.ts";
import { openPeerStream, type PeerStream, stepStreams } from "./peer-stream.ts";
import type { NamedPeer } from "./source-list.ts";
import { isUnready } from "./unready.ts";

/** A shorter content comes from one source in a few seconds. */
export const leastPartedBytes = 16 << 20;
/** A slow source keeps the others waiting for seconds at most. */
const partBytes = 1 << 20;
/** Parts that are on their way, or wait in memory for those before them: 32 MiB. */
const mostParts = 32;

/** What became of a content. */
export type InParts =
  | { readonly kind: "stored" }
  /** Fewer than two sources are left. These bytes came, and are kept. */
  | { readonly kind: "begun"; readonly bytes: number }
  /** It has another hash: someone lied. Nothing of it is kept. */
  | { readonly kind: "forged"; readonly accounts: readonly Account[] };

/** A request under way. */
type Running = {
  readonly peer: NamedPeer;
  readonly part: Part;
  readonly arriving: ArrivingPart;
  readonly stream: PeerStream;
};

/**
 * Fetches one large content from several peers at the same time, each of which gives a small part of its link: parts of a megabyte, in
 * order, each from the next peer that is free. They are stored in their order, so that the content is hashed as it grows, and its
 * beginning is kept whatever happens. What one at fault owes, the others are asked for.
 */
export function fetchInParts(
  context: Pick<SubContext, "alive" | "log">,
  cache: ObjectCache,
  of: { readonly turn: Turn; readonly content: Content; readonly doneBytes: number },
): InParts {
  const { turn, content, doneBytes } = of;
  const begunBytes = cache.begun.bytesFor(content.sha512, severalSources);
  const parts = partsInOrder(content, begunBytes, cache.receive([content], { source: severalSources, begunBytes }));
  let fault: unknown;
  let stored = 0;
  try {
    fetchAll(context, { turn, doneBytes, parts });
  } catch (error) {
    fault = error;
  }
  try {
    stored = parts.reception.end();
  } catch (error) {
    fault ??= error;
  }
  if (isUnready(fault)) {
    context.log("warn", "a content that came from several machines is wrong", { sha512: content.sha512 });
    return { kind: "forged", accounts: parts.accounts };
  }
  if (fault !== undefined) throw fault;
  return stored === 1 ? { kind: "stored" } : { kind: "begun", bytes: parts.storedBytes() - begunBytes };
}

/** The parts of a content: which to ask for next, and those that wait for earlier ones. */
function partsInOrder(content: Content, begunBytes: number, reception: Reception) {
  const again: Part[] = [];
  const waiting = new Map<number, { readonly peer: NamedPeer; readonly bytes: Uint8Array }>();
  const accounts: Account[] = [];
  let askedTo = begunBytes;
  let storedTo = begunBytes;
  return {
    ...{ reception, accounts, content },
    storedBytes: () => storedTo,
    /** Undefined if there is nothing to ask for before an earlier part is there. */
    next: (): Part | undefined => {
      const missing = again.shift();
      if (missing !== undefined) return missing;
      if (askedTo === content.size || askedTo - storedTo >= mostParts * partBytes) return undefined;
      const from = askedTo;
      askedTo = Math.min(content.size, from + partBytes);
      return { from, to: askedTo };
    },
    /** A part did not come. */
    missing: (part: Part) => {
      again.push(part);
      again.sort((one, other) => one.from - other.from);
    },
    /** Stores what is complete up to here; throws if the whole is wrong, or cannot be written. */
    arrived: (peer: NamedPeer, { from }: Part, bytes: Uint8Array) => {
      waiting.set(from, { peer, bytes });
      for (let next = waiting.get(storedTo); next !== undefined; next = waiting.get(storedTo)) {
        waiting.delete(storedTo);
        const to = storedTo + next.bytes.length;
        accounts.push({ machineId: next.peer.machineId, from: storedTo, to, digest: digestOf(next.bytes) });
        storedTo = to;
        reception.take(next.bytes);
      }
    },
  };
}

type Fetch = { readonly turn: Turn; readonly doneBytes: number; readonly parts: ReturnType<typeof partsInOrder> };

/** Ends when everything is there, or with fewer than two sources. */
function fetchAll({ alive, log }: Pick<SubContext, "alive" | "log">, { turn, doneBytes, parts }: Fetch): void {
  const { content } = parts;
  const running = new Map<string, Running>();
  const lacking = new Set<string>();
  const sentBytes = new Map<string, number>();
  const broken = brokenAnswers();

  function settle({ peer, part, arriving }: Omit<Running, "stream">, result: PeerFetch): void {
    const arrivedBytes = (sentBytes.get(peer.machineId) ?? 0) + (result.stored === 1 ? arriving.bytes.length : 0);
    sentBytes.set(peer.machineId, arrivedBytes);
    if (result.stored === 1) {
      parts.arrived(peer, part, arriving.bytes);
      return;
    }
    parts.missing(part);
    if (result.fault?.lacksNext === true) lacking.add(peer.machineId);
    else judgePeer({ turn, broken, log }, peer, { ...result, arrivedBytes });
  }
  function start(): void {
    const peers = turn.atOnce().filter(({ machineId }) => !lacking.has(machineId));
    for (const peer of peers) {
      const part = peers.length < 2 || running.has(peer.machineId) ? undefined : parts.next();
      if (part === undefined) continue;
      const arriving = arrivingPart(content, part);
      try {
        const stream = openPeerStream(arriving, { peer, wanted: [content], part });
        running.set(peer.machineId, { peer, part, arriving, stream });
      } catch (error) {
        settle({ peer, part, arriving }, { stored: 0, fault: faultOf(peer, error) });
      }
    }
  }
  try {
    for (start(); running.size > 0; start()) {
      stepStreams(running, settle);
      alive();
      turn.progressed(doneBytes + parts.storedBytes());
    }
  } finally {
    for (const { stream } of running.values()) stream.end();
  }
}
