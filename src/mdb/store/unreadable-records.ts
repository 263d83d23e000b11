import type { MachineEvent, Refusal } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Log, UnreadableRecord } from "../../core/ports.ts";

/** The records of the database that cannot be parsed; newcomers cannot take what belongs to them. */
export type UnreadableRecords = {
  readonly list: () => readonly UnreadableRecord[];
  /** Why an event is refused: it concerns a machine whose record cannot be parsed. */
  readonly whyNot: (event: MachineEvent) => Refusal | undefined;
  /** Updates the list after these were read again: readable records leave it. */
  readonly apply: (readable: readonly { readonly id: MachineId }[], unreadable: readonly UnreadableRecord[]) => void;
  readonly clear: () => void;
};

/** Keeps the unreadable records found when a database was loaded. */
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

/** The claims of an event's machine. */
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
      return [...nameIn(event.placement.hostname), `address ${formatIpv4(event.placement.address)}`];
    default:
      return [];
  }
}

function nameIn(hostname: string | null | undefined): readonly string[] {
  return typeof hostname === "string" ? [`name ${hostname.toLowerCase()}`] : [];
}

/** The refusal of an event about such a record: its fault, and how to repair it. */
export function refuseUnreadable({ id, fault, newer }: UnreadableRecord): Refusal {
  if (newer)
    return {
      kind: "unreadableRecord",
      message: `a newer version of Birther wrote the record of ${id} in the MDB: ${fault}`,
      next: "update this server to the version of the newest server on this database",
    };
  return {
    kind: "unreadableRecord",
    message: `the record of ${id} in the MDB is invalid: ${fault}`,
    next: `restore a backup (birther mdb restore), or correct the document of ${id} in the table machines and restart the server`,
  };
}

/** Logs each of these records, with its fault and the next step. */
export function logUnreadable(records: readonly UnreadableRecord[], log: Log): void {
  for (const record of records) {
    const { message, next } = refuseUnreadable(record);
    log("error", message, { machine: record.id, next });
  }
}
