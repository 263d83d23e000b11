import type { Change, Log } from "../../core/ports.ts";
import type { Entry, Holdings, RemoteChanges } from "../journal/journal.ts";
import { changeOf, changesOf } from "./changes.ts";
import { type DocumentMemory, documentMemory } from "./document-memory.ts";
import { type FleetMemory, fleetMemory } from "./fleet-memory.ts";
import { tellUnreadable } from "./unreadable-records.ts";

/** The contents of the database, in memory, up to a position. */
export type StoreMemory = {
  readonly fleet: FleetMemory;
  readonly documents: DocumentMemory;
  readonly position: () => number;
  /** Marks these as durable; the first has the position after `before`. */
  readonly written: (entries: readonly Entry[], before: number) => void;
  /**
   * Applies what others wrote. Returns a function that notifies watchers, to be called after pending events were
   * decided again.
   */
  readonly takeRemote: (remote: RemoteChanges) => readonly (() => void)[];
};

/** A memory of a database's contents; `tell` receives each change. */
export function storeMemory(
  holdings: Holdings,
  { log, tell }: { readonly log: Log; readonly tell: (change: Change) => void },
): StoreMemory {
  const fleet = fleetMemory(holdings);
  const documents = documentMemory(holdings.documents);
  let position = holdings.position;
  tellUnreadable(holdings.unreadable, log);
  return {
    ...{ fleet, documents, position: () => position },
    written: (entries, before) => {
      for (const [index, entry] of entries.entries()) {
        position = before + index + 1;
        if (entry.kind === "machine") tell(changeOf(entry, position));
        else {
          const { documentKind: kind, key, document } = entry;
          documents.apply([{ kind, key, position, ...(document === undefined ? {} : { document }) }]);
        }
      }
    },
    takeRemote: (remote) => {
      const changes = changesOf(remote, fleet.fleet().get);
      fleet.apply(remote);
      tellUnreadable(remote.unreadable, log);
      if (remote.kind === "everything") {
        log("warn", "reloading all machines, because others wrote too much or the database was replaced", {
          ...{ before: position, now: remote.position },
        });
        documents.clear();
      }
      documents.apply(remote.documents);
      position = remote.position;
      return changes.map((change) => () => tell(change));
    },
  };
}
