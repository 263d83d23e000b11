import type { MachineEvent, Refusal } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { refuseUnreadable } from "../../core/machine/unreadable-record.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Log, UnreadableKey, UnreadableRecord } from "../../core/ports.ts";

/** The records of the database that cannot be parsed; newcomers cannot take what belongs to them. */
export type UnreadableRecords = {
  readonly list: () => readonly UnreadableRecord[];
  readonly find: (key: UnreadableKey) => UnreadableRecord | undefined;
  /** Why an event is refused: it concerns a machine whose record cannot be parsed. */
  readonly whyNot: (event: MachineEvent) => Refusal | undefined;
  /** Updates the list after these were read again: readable records leave it. */
  readonly apply: (readable: readonly { readonly id: MachineId }[], unreadable: readonly UnreadableRecord[]) => void;
  readonly clear: () => void;
};

/** Keeps the unreadable records found when a database was loaded. */
export function unreadableRecords(records: readonly UnreadableRecord[]): UnreadableRecords {
  const byId = new Map<MachineId, UnreadableRecord>();
  const byMac = new Map<Mac, UnreadableRecord>();
  const byAddress = new Map<Ipv4, UnreadableRecord>();
  const drop = (id: MachineId) => {
    const record = byId.get(id);
    if (record === undefined) return;
    byId.delete(id);
    for (const mac of record.macs) if (byMac.get(mac) === record) byMac.delete(mac);
    for (const address of addressesOf(record)) if (byAddress.get(address) === record) byAddress.delete(address);
  };
  const put = (record: UnreadableRecord) => {
    drop(record.id);
    byId.set(record.id, record);
    for (const mac of record.macs) byMac.set(mac, record);
    for (const address of addressesOf(record)) byAddress.set(address, record);
  };
  for (const record of records) put(record);
  return {
    list: () => [...byId.values()],
    find: (key) => {
      if ("id" in key) return byId.get(key.id);
      return "mac" in key ? byMac.get(key.mac) : byAddress.get(key.address);
    },
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
      for (const { id } of readable) drop(id);
      for (const record of unreadable) put(record);
    },
    clear: () => {
      for (const known of [byId, byMac, byAddress]) known.clear();
    },
  };
}

function addressesOf({ permanentAddress, temporaryAddress }: UnreadableRecord): readonly Ipv4[] {
  return [permanentAddress, temporaryAddress].filter((address) => address !== undefined);
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

/** Logs each of these records, with its fault and the next step. */
export function logUnreadable(records: readonly UnreadableRecord[], log: Log): void {
  for (const record of records) {
    const { message, next } = refuseUnreadable(record);
    log("error", message, { machine: record.id, next });
  }
}
