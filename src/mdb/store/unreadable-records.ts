import type { MachineEvent, Refusal } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Log, UnreadableRecord } from "../../core/ports.ts";

/** The records that the database holds and nobody can read: what is theirs is no newcomer's. */
export type UnreadableRecords = {
  readonly list: () => readonly UnreadableRecord[];
  /** Why an event is not decided: it concerns a machine whose record cannot be read. */
  readonly whyNot: (event: MachineEvent) => Refusal | undefined;
  /** These were read anew: what can be read now is on the list no more. */
  readonly apply: (readable: readonly { readonly id: MachineId }[], unreadable: readonly UnreadableRecord[]) => void;
  readonly clear: () => void;
};

/** Keeps them, from what a database held at its load. */
export function unreadableRecords(records: readonly UnreadableRecord[]): UnreadableRecords {
  const byId = new Map(records.map((record) => [record.id, record]));
  return {
    list: () => [...byId.values()],
    whyNot: (event) => {
      if (byId.size === 0) return undefined;
      const ids = "id" in event ? [event.id, ...(event.kind === "takeoverAuthorised" ? [event.from] : [])] : [];
      const claims = new Set(claimsIn(event));
      const record =
        ids.map((id) => byId.get(id)).find((found) => found !== undefined) ??
        [...byId.values()].find((one) => one.claims.some((claim) => claims.has(claim)));
      return record && refuseUnreadable(record);
    },
    apply: (readable, unreadable) => {
      for (const { id } of readable) byId.delete(id);
      for (const record of unreadable) byId.set(record.id, record);
    },
    clear: () => byId.clear(),
  };
}

/** What an event says is a machine's, written as claims are. */
function claimsIn(event: MachineEvent): readonly string[] {
  switch (event.kind) {
    case "pxeAsked":
    case "orderTaken":
      return [`mac ${event.mac}`];
    case "hardwareScanned":
      return event.hardware.nics.map(({ mac }) => `mac ${mac}`);
    case "machineCreated":
      return [...event.macs.map((mac) => `mac ${mac}`), ...nameIn(event.hostname)];
    case "detailsSet":
      return [...(event.details.macs ?? []).map((mac) => `mac ${mac}`), ...nameIn(event.details.hostname)];
    case "placed":
    case "becameHealthy":
      return [...nameIn(event.placement.hostname), `address ${event.placement.address}`];
    default:
      return [];
  }
}

function nameIn(hostname: string | null | undefined): readonly string[] {
  return typeof hostname === "string" ? [`name ${hostname.toLowerCase()}`] : [];
}

/** The refusal of whatever concerns such a record: what is wrong with it, and how it is mended. */
export function refuseUnreadable({ id, fault }: UnreadableRecord): Refusal {
  return {
    kind: "unreadableRecord",
    message: `the record of ${id} in the MDB cannot be read: ${fault}`,
    next: `restore a backup (birther mdb restore), or correct the document of ${id} in the table machines and restart the server`,
  };
}

/** Writes each of these records to the log, with what is wrong and what to do. */
export function tellUnreadable(records: readonly UnreadableRecord[], log: Log): void {
  for (const record of records) {
    const { message, next } = refuseUnreadable(record);
    log("error", message, { machine: record.id, next });
  }
}
