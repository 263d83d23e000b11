import type { Content } from "../../../core/image/update/difference.ts";
import type { Turn } from "../objects/fetch-turn.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import type { Reception } from "../objects/reception.ts";
import type { SubContext } from "../sub-context.ts";
import { brokenAnswers } from "./broken-answers.ts";
import { faultOf, maxPeerObjects, type PeerFetch } from "./fetch-from-peer.ts";
import { judgePeer } from "./judge-peer.ts";
import { openPeerStream, type PeerStream, stepStreams } from "./peer-stream.ts";
import type { NamedPeer } from "./source-list.ts";

/** A request has about as many bytes: few, so that a slow source keeps the others waiting for seconds at most. */
const runLimits = { least: 256 << 10, most: 4 << 20 } as const;
/** Each source is asked about as often, or more. */
const leastRuns = 4;

/** What is stored, and what a source lacks that has the rest. */
export type FromSeveral = { readonly stored: ReadonlySet<string>; readonly lacked: readonly Content[] };

/** A request under way. */
type Running = { readonly peer: NamedPeer; readonly wanted: readonly Content[]; readonly stream: PeerStream };

/**
 * Fetches contents from several peers at the same time, each of which gives a small part of its link. Each one is asked for a run of
 * contents, and then for another; what one at fault owes, the others are asked for. Ends when there are no more contents, or fewer than
 * two sources. Throws if this machine cannot store them.
 */
export function fetchFromSeveral(
  { alive, log }: Pick<SubContext, "alive" | "log">,
  cache: ObjectCache,
  {
    turn,
    contents,
    doneBytes,
  }: { readonly turn: Turn; readonly contents: readonly Content[]; readonly doneBytes: number },
): FromSeveral {
  const queue = runsOf(contents, turn.atOnce().length);
  const running = new Map<string, Running>();
  const stored = new Set<string>();
  const lacked: Content[] = [];
  const broken = brokenAnswers();
  /** What each has sent in all, and of its present run. */
  const sentBytes = new Map<string, number>();
  const runningBytes = new Map<string, number>();
  let storedBytes = 0;
  let count = 0;

  function receive(peer: NamedPeer, wanted: readonly Content[]): Reception {
    const reception = cache.receiveBeside(wanted, count++);
    return {
      ...reception,
      take: (bytes) => {
        for (const sums of [sentBytes, runningBytes])
          sums.set(peer.machineId, (sums.get(peer.machineId) ?? 0) + bytes.length);
        reception.take(bytes);
      },
    };
  }
  function settle({ peer, wanted }: Pick<Running, "peer" | "wanted">, result: PeerFetch): void {
    for (const { sha512, size } of wanted.slice(0, result.stored)) {
      stored.add(sha512);
      storedBytes += size;
    }
    runningBytes.delete(peer.machineId);
    const [next, ...others] = wanted.slice(result.stored);
    if (next === undefined) return;
    if (result.fault?.lacksNext === true) lacked.push(next);
    else judgePeer({ turn, broken, log }, peer, { ...result, arrivedBytes: sentBytes.get(peer.machineId) ?? 0 });
    // What is there of a content is continued later, by one source.
    const isLeft = result.fault?.lacksNext !== true && !cache.begun.hasDraft(next.sha512);
    const rest = isLeft ? [next, ...others] : others;
    if (rest.length > 0) queue.unshift(rest);
  }
  function start(): void {
    const peers = turn.atOnce();
    for (const peer of peers) {
      const wanted = peers.length < 2 || running.has(peer.machineId) ? undefined : queue.shift();
      if (wanted === undefined) continue;
      try {
        running.set(peer.machineId, { peer, wanted, stream: openPeerStream(receive(peer, wanted), { peer, wanted }) });
      } catch (error) {
        settle({ peer, wanted }, { stored: 0, fault: faultOf(peer, error) });
      }
    }
  }
  try {
    for (start(); running.size > 0; start()) {
      stepStreams(running, settle);
      alive();
      turn.progressed(doneBytes + [...runningBytes.values()].reduce((sum, bytes) => sum + bytes, storedBytes));
    }
  } finally {
    for (const { stream } of running.values()) stream.end();
  }
  return { stored, lacked };
}

/** Disjoint runs of contents; the largest first, so that no source begins with a large one when the others are done. */
function runsOf(contents: readonly Content[], sources: number): (readonly Content[])[] {
  const { least, most } = runLimits;
  const totalBytes = contents.reduce((sum, { size }) => sum + size, 0);
  const runBytes = Math.min(most, Math.max(least, totalBytes / (leastRuns * sources)));
  const runs: (readonly Content[])[] = [];
  let run: Content[] = [];
  let bytes = 0;
  for (const content of [...contents].sort((one, other) => other.size - one.size)) {
    if (run.length > 0 && (bytes + content.size > runBytes || run.length === maxPeerObjects)) {
      runs.push(run);
      run = [];
      bytes = 0;
    }
    run.push(content);
    bytes += content.size;
  }
  return run.length === 0 ? runs : [...runs, run];
}
