import { contentBatches, maxBatchObjects } from "../../../core/image/content-batches.ts";
import { firstRun, type PlacedContent } from "../../../core/image/pack-locations.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import type { HttpClient } from "../../system/http.ts";
import { type BrokenAnswers, brokenAnswers } from "../peers/broken-answers.ts";
import { fetchFromPeer, maxPeerObjects } from "../peers/fetch-from-peer.ts";
import { fetchFromSeveral } from "../peers/fetch-from-several.ts";
import { judgePeer } from "../peers/judge-peer.ts";
import type { NamedPeer } from "../peers/source-list.ts";
import type { SubContext } from "../sub-context.ts";
import { fetchBatch, originSource } from "./fetch-batch.ts";
import type { Turn } from "./fetch-turn.ts";
import { type LargeContents, largeContents } from "./large-contents.ts";
import type { ObjectCache } from "./object-cache.ts";
import type { PackSources } from "./pack-sources.ts";

/** What is to be fetched, and whether to stop after one batch: after a failure, so that the MDB learns of the success. */
export type Fetch = {
  readonly contents: readonly PlacedContent[];
  readonly oneBatch: boolean;
  /** From whom; only from the server if undefined. */
  readonly turn?: Turn;
  /** The packs that `contents` number, and the servers that have them. */
  readonly packs?: { readonly names: readonly string[]; readonly sources: PackSources };
};

/**
 * Fetches contents at full speed, a whole batch per request; verifies each before it counts as fetched. A stream that breaks in the
 * middle of a content is continued there, by the next source, too.
 */
export function fetchObjects(context: SubContext, http: HttpClient, store: ObjectCache, fetch: Fetch): void {
  const { oneBatch, turn, packs } = fetch;
  const contents = [...fetch.contents];
  const broken = brokenAnswers();
  let done = 0;
  let doneBytes = 0;
  /** Of the batch that is under way: a batch takes longer than a report, and a machine without progress would count as slow. */
  let arrivedBytes = 0;
  const cache = countingCache(store, (bytes) => {
    arrivedBytes += bytes;
  });
  function fromOne(source: NamedPeer | "origin"): number {
    const rest = upTo(
      turn === undefined ? Number.POSITIVE_INFINITY : partBytes,
      upToDraft(cache, contents.slice(done, done + maxBatchObjects)),
    );
    if (source !== "origin" && turn !== undefined)
      return fromPeer(context, http, cache, { source, turn, rest, doneBytes, broken });
    const reporting = { ...context, alive };
    return fromPacks(reporting, cache, { packs, rest }) || fromOrigin(reporting, http, cache, rest);
  }
  const large = turn === undefined ? undefined : largeContents(context, cache, turn);
  while (done < contents.length) {
    const source = turn?.next(doneBytes) ?? "origin";
    if (source === "nobody") return;
    const areSeveral = source !== "origin" && turn !== undefined && turn.atOnce().length > 1;
    const next = contents[done];
    const stored =
      areSeveral && next !== undefined && large?.isFor(next) === true
        ? large.fetch(next, doneBytes)
        : areSeveral && isToBeSplit(cache, contents.slice(done, done + 2))
          ? fromSeveral(context, http, cache, { turn, large, contents, done, doneBytes })
          : fromOne(source);
    large?.stored(contents.slice(done, done + stored));
    doneBytes += contents.slice(done, done + stored).reduce((sum, { size }) => sum + size, 0);
    done += stored;
    arrivedBytes = 0;
    if (stored > 0) context.log("info", "fetched", { objects: done, of: contents.length });
    if (stored > 0 && oneBatch) return;
    turn?.progressed(doneBytes);
  }
  turn?.servesOn();

  function alive(): void {
    context.alive();
    turn?.progressed(doneBytes + arrivedBytes);
  }
}

/** With a turn, another source may be named at any time; as much is still fetched from the former one. */
const partBytes = 32 << 20;

/** The contents before the second one, or a later one, with a draft: only the first of a request can be continued. */
function upToDraft(cache: ObjectCache, contents: readonly PlacedContent[]): readonly PlacedContent[] {
  const end = contents.findIndex(({ sha512 }, index) => index > 0 && cache.begun.hasDraft(sha512));
  return end < 0 ? contents : contents.slice(0, end);
}

/** The first contents with about this many bytes. */
function upTo(bytes: number, contents: readonly PlacedContent[]): readonly PlacedContent[] {
  let left = bytes;
  const end = contents.findIndex(({ size }) => {
    left -= size;
    return left < 0;
  });
  return end < 0 ? contents : contents.slice(0, Math.max(1, end));
}

/** A cache that tells how many bytes it takes. */
function countingCache(cache: ObjectCache, took: (bytes: number) => void): ObjectCache {
  const receive: ObjectCache["receive"] = (contents, from) => {
    const reception = cache.receive(contents, from);
    const take: typeof reception.take = (bytes) => {
      took(bytes.length);
      reception.take(bytes);
    };
    return { ...reception, take };
  };
  return { ...cache, receive };
}

/** The first batch of a list. */
function firstBatch(contents: readonly Content[]): readonly Content[] {
  const [group = []] = contentBatches(contents);
  return group;
}

/** A shorter stream costs more than its part of a batch. */
const leastStreamBytes = 1 << 20;

/** Fetches a stream of the packs; returns how many contents are there, 0 if there is no stream that is worth a request, or no server. */
function fromPacks(
  context: SubContext,
  cache: ObjectCache,
  { packs, rest }: { readonly packs: Fetch["packs"]; readonly rest: readonly PlacedContent[] },
): number {
  const run = packs === undefined ? undefined : firstRun(rest, packs.names);
  if (packs === undefined || run === undefined || run.to - run.from < leastStreamBytes) return 0;
  return packs.sources.fetch(context, cache, run);
}

function fromOrigin(context: SubContext, http: HttpClient, cache: ObjectCache, rest: readonly Content[]): number {
  const group = firstBatch(rest);
  fetchBatch(context, http, cache, group);
  return group.length;
}

/** Several sources at the same time are asked for as much: what is stored then is not in the order of the list. */
const severalBytes = 256 << 20;

/** The beginning of a small content is continued by one source, and a single one comes from one. */
function isToBeSplit({ begun }: ObjectCache, [first, second]: readonly Content[]): boolean {
  return first !== undefined && second !== undefined && begun.bytesFor(first.sha512, originSource) === 0;
}

/** Fetches contents from several machines at the same time; moves those that are there to the front, and returns how many they are. */
function fromSeveral(
  context: SubContext,
  http: HttpClient,
  cache: ObjectCache,
  now: Pick<OfPeers, "turn" | "doneBytes"> & {
    readonly contents: PlacedContent[];
    readonly done: number;
    readonly large: LargeContents | undefined;
  },
): number {
  const { turn, contents, done, doneBytes, large } = now;
  const part = upTo(severalBytes, contents.slice(done, done + maxBatchObjects));
  const wanted = part.filter((content) => !cache.begun.hasDraft(content.sha512) && large?.isFor(content) !== true);
  const { stored, lacked } = fetchFromSeveral(context, cache, { turn, contents: wanted, doneBytes });
  for (const group of contentBatches(lacked)) fetchBatch(context, http, cache, group);
  const there = new Set([...stored, ...lacked.map(({ sha512 }) => sha512)]);
  const isThere = ({ sha512 }: Content) => there.has(sha512);
  const inOrder = [...part.filter(isThere), ...part.filter((content) => !isThere(content))];
  contents.splice(done, part.length, ...inOrder);
  return inOrder.filter(isThere).length;
}

/** A fetch with other machines as sources. */
type OfPeers = {
  readonly source: NamedPeer;
  readonly turn: Turn;
  readonly rest: readonly Content[];
  readonly doneBytes: number;
  readonly broken: BrokenAnswers;
};

/** Fetches a batch from another machine; returns how many contents are there. Whatever that machine does, the fetch goes on. */
function fromPeer(context: SubContext, http: HttpClient, cache: ObjectCache, now: OfPeers): number {
  const { alive, log } = context;
  const { source: peer, turn, rest, doneBytes, broken } = now;
  const arrived = (bytes: number): boolean => {
    turn.progressed(doneBytes + bytes);
    return !turn.isReplaced(peer);
  };
  const wanted = firstBatch(rest.slice(0, maxPeerObjects));
  const { stored, fault } = fetchFromPeer({ alive }, cache, { peer, wanted, arrived });
  if (fault === undefined) return stored;
  const lacked = fault.lacksNext ? wanted.slice(stored, stored + 1) : [];
  if (lacked.length > 0) {
    // It has the others.
    fetchBatch(context, http, cache, lacked);
    return stored + 1;
  }
  const isReplaced = turn.isReplaced(peer);
  const arrivedBytes = doneBytes + arrivedOf(cache, wanted, stored);
  judgePeer({ turn, broken, log }, peer, { stored, fault, isReplaced, arrivedBytes });
  return stored;
}

/** The bytes of contents that are stored, and of the one that is begun. */
function arrivedOf({ begun }: ObjectCache, wanted: readonly Content[], stored: number): number {
  const next = wanted[stored];
  const whole = wanted.slice(0, stored).reduce((sum, { size }) => sum + size, 0);
  return whole + (next === undefined ? 0 : begun.bytesFor(next.sha512, originSource));
}
