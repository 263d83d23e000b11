import * as host from "host";
import type { PackRun } from "../../../core/image/pack-locations.ts";
import type { FetchSource } from "../../../core/image/update/directive.ts";
import { messageOf } from "../../birth/stop.ts";
import { isUnready } from "../peers/unready.ts";
import type { SubContext } from "../sub-context.ts";
import { fetchRun, isMissing } from "./fetch-run.ts";
import type { ObjectCache } from "./object-cache.ts";

/** A source at fault is left alone for this long. */
const restMs = 600_000;

/** The servers that have packs, and those that failed. */
export type PackSources = {
  /** Fetches a run from the best source; returns how many contents from the first on are stored. 0 with no source left: fetch otherwise. */
  readonly fetch: (context: Pick<SubContext, "alive" | "log">, cache: ObjectCache, run: PackRun) => number;
};

/** Remembers over all fetches which sources failed. `origin` is the address of the server. */
export function openPackSources(origin: string): (sources: readonly FetchSource[]) => PackSources {
  const restUntilMs = new Map<string, number>();
  return (sources) => ({
    fetch: ({ alive, log }, cache, run) => {
      for (const source of sources) {
        const { address = origin, port, path = "" } = source;
        const name = `${address}:${port}${path}`;
        if ((restUntilMs.get(name) ?? 0) > host.monotonicMs()) continue;
        const wanted = { server: { address, port, path }, run, isMirror: source.address !== undefined };
        const first = fetchRun({ alive }, cache, wanted);
        // Wrong, and from several sources: this one tells alone who lied.
        const { stored, fault } = isUnready(first.fault) ? fetchRun({ alive }, cache, wanted) : first;
        if (fault === undefined) return stored;
        // The server may have put its contents into other packs meanwhile.
        if (!isMissing(fault)) restUntilMs.set(name, host.monotonicMs() + restMs);
        log("warn", "a server of packs failed; the next one is asked", {
          server: name,
          fault: messageOf(fault),
          objects: stored,
        });
        if (stored > 0) return stored;
      }
      return 0;
    },
  });
}
