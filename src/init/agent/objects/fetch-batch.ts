import * as host from "host";
import { objectPaths } from "../../../contract/sub.ts";
import { nextTry } from "../../../core/birth/retry.ts";
import type { Content } from "../../../core/image/update/difference.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { type HttpClient, isRefusal, type OnBytes, pauseMsAfter } from "../../system/http.ts";
import { isUnready } from "../peers/unready.ts";
import type { SubContext } from "../sub-context.ts";
import type { ObjectCache } from "./object-cache.ts";
import { type ObjectSink, objectSink } from "./object-stream.ts";

/** Time limit for a connection that fails again and again without any content: a restart of the server takes less. */
const retryMs = 120_000;
/** A connection that brought as much of a content has made progress. */
const progressBytes = 1 << 20;
/** Who sends what does not come from packs or peers. */
export const originSource = "origin";

/** A broken connection is retried with what is missing; anything else, such as a forged content, is thrown at once. */
export function fetchBatch(context: SubContext, http: HttpClient, cache: ObjectCache, group: readonly Content[]): void {
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
    if (attempt.stored > 0 || moreBytes >= progressBytes) {
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

/** One request for the rest of the first content; a server that refuses, such as one of an earlier version over TLS, sends all. */
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
