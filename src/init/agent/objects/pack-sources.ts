import * as host from "host";
import type { PackRun } from "../../../core/image/pack-locations.ts";
import type { FetchSource } from "../../../core/image/update/directive.ts";
import { messageOf } from "../../birth/stop.ts";
import { isUnready } from "../peers/unready.ts";
import type { SubContext } from "../sub-context.ts";
import type { ClosedPort } from "./closed-port.ts";
import { fetchRun, isMissing, nameOf, type PackServer } from "./fetch-run.ts";
import type { ObjectCache } from "./object-cache.ts";

/** A source at fault is left alone for this long. */
const restMs = 600_000;

/** The servers that have packs, and those that failed. */
export type PackSources = {
  /** Fetches a run from the best source; returns how many contents from the first on are stored. 0 with no source left: fetch otherwise. */
  readonly fetch: (context: Pick<SubContext, "alive" | "log">, cache: ObjectCache, run: PackRun) => number;
};

/** Who has packs: sources for everybody, or the server itself over TLS. */
export type NamedSources =
  | { readonly kind: "open"; readonly sources: readonly FetchSource[] }
  | { readonly kind: "closed"; readonly port: ClosedPort; readonly credential: string };

/** Remembers over all fetches which sources failed. `origin` tells the address of the server. */
export function openPackSources(origin: () => string): (named: NamedSources) => PackSources {
  const restUntilMs = new Map<string, number>();

  function serversOf(named: NamedSources): readonly PackServer[] {
    if (named.kind === "closed") {
      const { port, credential } = named;
      return port.hasPacks() ? [{ ...port.server(), kind: "closed", credential }] : [];
    }
    return named.sources
      .map(({ address, port, path = "" }): PackServer => {
        const kind = address === undefined ? "origin" : "mirror";
        return { kind, address: address ?? origin(), port, path };
      })
      .filter((server) => (restUntilMs.get(nameOf(server)) ?? 0) <= host.monotonicMs());
  }
  /** The server may have put its contents into other packs meanwhile: that is no fault. */
  function failed(named: NamedSources, server: PackServer, fault: unknown): void {
    if (named.kind === "closed") named.port.ended(fault);
    else if (!isMissing(fault)) restUntilMs.set(nameOf(server), host.monotonicMs() + restMs);
  }
  return (named) => ({
    fetch: ({ alive, log }, cache, run) => {
      for (const server of serversOf(named)) {
        const wanted = { server, run };
        const first = fetchRun({ alive }, cache, wanted);
        // Wrong, and from several sources: this one tells alone who lied.
        const { stored, fault } = isUnready(first.fault) ? fetchRun({ alive }, cache, wanted) : first;
        if (fault === undefined) {
          if (named.kind === "closed") named.port.ended(undefined);
          return stored;
        }
        failed(named, server, fault);
        log("warn", "a server of packs failed; the next one is asked", {
          server: nameOf(server),
          fault: messageOf(fault),
          objects: stored,
        });
        if (stored > 0) return stored;
      }
      return 0;
    },
  });
}
