import { setTimeout as wait } from "node:timers/promises";
import type { Collected } from "../../../core/image/catalogue/collected.ts";
import type { Clock, Log } from "../../../core/ports.ts";
import type { CollectInput } from "./collect.ts";
import { collectInThread } from "./collect-thread.ts";

/** Between two collections of a server, and before the first. */
const everyMs = 3_600_000;
/** An interrupted import or copy may continue for this long without storing its contents again. */
const graceMs = 86_400_000;

/** How a server collects by itself; all but the stores has defaults. */
export type CollectionsInput = {
  readonly stores: Pick<CollectInput, "images" | "objects" | "confidentialObjects">;
  /** The names of images here; without a removal there is nothing to collect. */
  readonly names: () => readonly string[];
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly run?: (input: CollectInput, signal: AbortSignal) => Promise<Collected>;
};

/**
 * Removes what no image needs any more: once after a start, and then in the hour after an image was removed. Ends when disposed; what
 * is under way then is finished by the next one.
 */
export function startCollections(input: CollectionsInput): AsyncDisposable {
  const { pause = pauseFor } = input;
  const ending = new AbortController();
  const { signal } = ending;
  const run = async () => {
    let before: ReadonlySet<string> | undefined;
    while (!signal.aborted) {
      await pause(everyMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const names = new Set(input.names());
      if (before !== undefined && [...before].every((name) => names.has(name))) before = new Set([...before, ...names]);
      else if (await collectOnce(input, signal)) before = names;
    }
  };
  const ended = run();
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await ended;
    },
  };
}

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal, ref: false });

/** False if it could not be done, and is to be tried again. */
async function collectOnce(input: CollectionsInput, signal: AbortSignal): Promise<boolean> {
  const { stores, clock, log, run = collectInThread } = input;
  try {
    const found = await run({ ...stores, olderThanMs: clock.nowMs() - graceMs, isDryRun: false }, signal);
    if (found.kind === "unreadable")
      log("warn", "contents that no image needs stay, because manifests cannot be read; import those images again", {
        images: found.names,
      });
    if (found.kind !== "collected") return false;
    const { kind: _kind, ...facts } = found;
    if (found.objects > 0) log("info", "removed contents that no image needs", facts);
    return true;
  } catch (cause) {
    if (!signal.aborted) log("error", "removing contents that no image needs failed; it is tried again", { cause });
    return false;
  }
}
