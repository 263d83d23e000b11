import { imageFor, imageStreamsOf } from "../../core/image/stream/image-stream.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Change, Log } from "../../core/ports.ts";
import { heapShare } from "../heap-share.ts";
import type { Entry, Holdings, RemoteChanges } from "../journal/journal.ts";
import { changeOf, changesOf } from "./changes.ts";
import { type DocumentMemory, documentMemory } from "./document-memory.ts";
import type { FleetIndex } from "./fleet-index.ts";
import { type FleetMemory, fleetMemory } from "./fleet-memory.ts";
import { logUnreadableDocuments } from "./unreadable-documents.ts";
import { logUnreadable } from "./unreadable-records.ts";

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
  readonly takeRemote: (remote: RemoteChanges, everything?: FleetIndex) => Iterable<() => void>;
};

/** A memory of a database's contents; `notify` receives each change. */
export function storeMemory(
  holdings: Holdings,
  {
    log,
    notify,
    othersUpdate = false,
    largeRecordBudget = heapShare(16),
  }: {
    readonly log: Log;
    readonly notify: (change: Change) => void;
    readonly othersUpdate?: boolean;
    readonly largeRecordBudget?: number;
  },
): StoreMemory {
  const documents = documentMemory(holdings.documents);
  const imageForNow = (wanted: string, id: MachineId) =>
    imageFor(imageStreamsOf({ documents: documents.of }), wanted, id);
  const fleet = fleetMemory(holdings, { imageFor: imageForNow, othersUpdate, largeRecordBudget });
  let position = holdings.position;
  logUnreadable(holdings.unreadable, log);
  logUnreadableDocuments(holdings.documents, log);
  return {
    ...{ fleet, documents, position: () => position },
    written: (entries, before) => {
      for (const [index, entry] of entries.entries()) {
        position = before + index + 1;
        if (entry.kind === "machine") notify(changeOf(entry, position));
        else if (entry.kind === "document") {
          const { documentKind: kind, key, document } = entry;
          documents.apply([{ kind, key, position, ...(document === undefined ? {} : { document }) }]);
        }
      }
    },
    takeRemote: (remote, everything) => {
      const before = fleet.fleet();
      // Of a whole fleet one at a time, when its turn comes: the index before stays as it was.
      const announced = changesOf(remote, before.get);
      const changes = everything === undefined ? [...announced] : announced;
      fleet.apply(remote, everything);
      logUnreadable(remote.unreadable, log);
      if (remote.kind === "everything") {
        log("warn", "reloading all machines, because others wrote too much or the database was replaced", {
          ...{ before: position, now: remote.position },
        });
        documents.clear();
      }
      logUnreadableDocuments(remote.documents, log);
      documents.apply(remote.documents);
      position = remote.position;
      return notifyingEach(changes, notify);
    },
  };
}

function* notifyingEach(
  changes: Iterable<Change | undefined>,
  notify: (change: Change) => void,
): Generator<() => void, void, undefined> {
  for (const change of changes) yield () => void (change && notify(change));
}
