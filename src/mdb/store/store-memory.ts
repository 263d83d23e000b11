import type { Change, Log } from "../../core/ports.ts";
import type { Entry, Holdings, RemoteChanges } from "../journal/journal.ts";
import { changeOf, changesOf } from "./changes.ts";
import { type DocumentMemory, documentMemory } from "./document-memory.ts";
import { type FleetMemory, fleetMemory } from "./fleet-memory.ts";
import { tellUnreadable } from "./unreadable-records.ts";

/** What the database holds, in memory, up to a position. */
export type StoreMemory = {
  readonly fleet: FleetMemory;
  readonly documents: DocumentMemory;
  readonly position: () => number;
  /** These are durable; the first has the position after `before`. */
  readonly written: (entries: readonly Entry[], before: number) => void;
  /** Takes in what others wrote. Returns how to tell it, once what waits was decided anew. */
  readonly takeRemote: (remote: RemoteChanges) => readonly (() => void)[];
};

/** A memory of what a database holds; `tell` hears of each change. */
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
        log("warn", "all machines are read anew: too much was written by others, or the database is another one", {
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
