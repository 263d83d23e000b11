import * as host from "host";
import { objectPaths } from "../../../contract/sub.ts";
import { nextTry } from "../../../core/birth/retry.ts";
import { contentBatches, maxBatchObjects } from "../../../core/image/content-batches.ts";
import { firstRun, type PlacedContent } from "../../../core/image/pack-locations.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { type HttpClient, isRefusal, type OnBytes, pauseMsAfter } from "../../system/http.ts";
import { type BrokenAnswers, brokenAnswers } from "../peers/broken-answers.ts";
import { fetchFromPeer, maxPeerObjects } from "../peers/fetch-from-peer.ts";
import type { NamedPeer } from "../peers/source-list.ts";
import { isUnready } from "../peers/unready.ts";
import type { SubContext } from "../sub-context.ts";
import type { Turn } from "./fetch-turn.ts";
import type { ObjectCache } from "./object-cache.ts";
import { type ObjectSink, objectSink } from "./object-stream.ts";
import type { PackSources } from "./pack-sources.ts";

/** Time limit for a connection that fails again and again without any content: a restart of the server takes less. */
const retryMs = 120_000;

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
  const { contents, oneBatch, turn, packs } = fetch;
  const broken = brokenAnswers();
  let done = 0;
  let doneBytes = 0;
  /** Of the batch that is under way: a batch takes longer than a report, and a machine without progress would count as slow. */
  let arrivedBytes = 0;
  const cache = countingCache(store, (bytes) => {
    arrivedBytes += bytes;
  });
  while (done < contents.length) {
    const source = turn?.next(doneBytes) ?? "origin";
    if (source === "nobody") return;
    const rest = upTo(
      turn === undefined ? Number.POSITIVE_INFINITY : partBytes,
      upToDraft(cache, contents.slice(done, done + maxBatchObjects)),
    );
    const stored =
      source === "origin" || turn === undefined
        ? fromPacks({ ...context, alive }, cache, { packs, rest }) ||
          fromOrigin({ ...context, alive }, http, cache, rest)
        : fromPeer(context, http, cache, { source, turn, rest, doneBytes, broken });
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

/** Fetches a batch from another machine; returns how many contents are there. Whatever that machine does, the fetch goes on. */
function fromPeer(
  context: SubContext,
  http: HttpClient,
  cache: ObjectCache,
  now: {
    readonly source: NamedPeer;
    readonly turn: Turn;
    readonly rest: readonly Content[];
    readonly doneBytes: number;
    readonly broken: BrokenAnswers;
  },
): number {
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
  log("info", "a peer served only a part", { peer: peer.machineId, fault: fault.reason, objects: stored });
  const verdict = fault.isBroken ? broken.judge(peer.machineId, doneBytes + arrivedOf(cache, wanted, stored)) : "other";
  if (verdict !== "again" && !turn.isReplaced(peer))
    turn.failed(peer, { isToBlame: fault.isToBlame && verdict !== "noUse", isOfNoUse: verdict === "noUse", stored });
  return stored;
}

/** The bytes of contents that are stored, and of the one that is begun. */
function arrivedOf({ begun }: ObjectCache, wanted: readonly Content[], stored: number): number {
  const next = wanted[stored];
  const whole = wanted.slice(0, stored).reduce((sum, { size }) => sum + size, 0);
  return whole + (next === undefined ? 0 : begun.bytesFor(next.sha512, originSource));
}

/** A broken connection is retried with what is missing; anything else, such as a forged content, is thrown at once. */
function fetchBatch(context: SubContext, http: HttpClient, cache: ObjectCache, group: readonly Content[]): void {
  const { alive, log } = context;
  let missing = group;
  let failures = 0;
  /** Until the server refuses to send the rest of a content. */
  let isContinuing = true;
  let progressMs = host.monotonicMs();
  while (missing.length > 0) {
    const begunBefore: number = isContinuing ? begunBytes(cache, missing) : 0;
    const attempt: Attempt =
      begunBefore > 0 ? tryRest(context, http, cache, missing) : tryBatch(context, http, cache, missing);
    missing = missing.slice(attempt.stored);
    if (attempt.fault === undefined) continue;
    isContinuing &&= attempt.hasRefusedRest !== true;
    const moreBytes = isContinuing ? begunBytes(cache, missing) - begunBefore : 0;
    if (attempt.stored > 0 || moreBytes >= leastStreamBytes) {
      failures = 0;
      progressMs = host.monotonicMs();
    }
    failures += 1;
    const next = nextTry(failures, host.monotonicMs() - progressMs, retryMs);
    if (next.kind === "giveUp") throw attempt.fault;
    const pauseMs = pauseMsAfter(attempt.fault, next.pauseMs);
    log("warn", "fetching was interrupted, trying again", { fault: messageOf(attempt.fault), pauseMs });
    alive();
    sleepMs(pauseMs);
  }
}

/** Who sends what does not come from packs or peers. */
const originSource = "origin";

function begunBytes(cache: ObjectCache, [first]: readonly Content[]): number {
  return first === undefined ? 0 : cache.begun.bytesFor(first.sha512, originSource);
}

/** How many contents are stored, and the fault of the connection that ended it early. */
type Attempt = { readonly stored: number; readonly fault?: unknown; readonly hasRefusedRest?: true };

/** One request for a batch. */
function tryBatch(context: SubContext, http: HttpClient, cache: ObjectCache, wanted: readonly Content[]): Attempt {
  const names = `${wanted.map((content) => content.sha512).join("\n")}\n`;
  const sink = objectSink(cache, wanted, { source: originSource, begunBytes: 0 });
  return attempt(context, sink, { wanted, send: (onBytes) => http.post(objectPaths.batch, names, onBytes) });
}

/** One request for the rest of the first content; a server that does not have it by itself, such as a confidential one, sends all. */
function tryRest(context: SubContext, http: HttpClient, cache: ObjectCache, missing: readonly Content[]): Attempt {
  const wanted = missing.slice(0, 1);
  const path = `${objectPaths.one}${wanted[0]?.sha512}`;
  const from = begunBytes(cache, wanted);
  const sink = cache.receive(wanted, { source: originSource, begunBytes: from });
  try {
    return attempt(context, sink, { wanted, send: (onBytes) => http.get(path, onBytes, from) });
  } catch (fault) {
    if (!isRefusal(fault)) throw fault;
    cache.begun.forget();
    return { stored: 0, fault, hasRefusedRest: true };
  }
}

/** One request, whose answer goes to a sink. Throws what no other request mends, such as a forged content. */
function attempt(
  { alive }: SubContext,
  sink: ObjectSink,
  { wanted, send }: { readonly wanted: readonly Content[]; readonly send: (onBytes: OnBytes) => void },
): Attempt {
  let fault: unknown;
  let refused: { readonly fault: unknown } | undefined;
  try {
    send((piece) => {
      alive();
      try {
        sink.take(piece);
      } catch (error) {
        refused = { fault: error };
        throw error;
      }
    });
  } catch (error) {
    fault = error;
  }
  if (refused !== undefined || isRefusal(fault)) {
    endQuietly(sink);
    if (isUnready(refused?.fault)) return { stored: 0, fault: refused?.fault };
    throw fault;
  }
  return ended(sink, wanted, fault);
}

function ended(sink: ObjectSink, wanted: readonly Content[], fault: unknown): Attempt {
  let stored: number;
  try {
    stored = sink.end();
  } catch (error) {
    if (isUnready(error)) return { stored: 0, fault: error };
    throw error;
  }
  if (fault === undefined && stored < wanted.length)
    throw new Error(`object server: expected ${wanted.length} objects, found ${stored}`);
  return fault === undefined ? { stored } : { stored, fault };
}

/** Ends a session that has failed already; its fault is known. */
function endQuietly(sink: ObjectSink): void {
  try {
    sink.end();
  } catch {
    // The first fault counts.
  }
}
