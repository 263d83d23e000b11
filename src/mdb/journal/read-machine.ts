import * as v from "valibot";
import { ipv4 } from "../../contract/address-text.ts";
import { machineRecord, recordVersion } from "../../contract/machine-record.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { parseMac } from "../../core/net/mac.ts";
import type { UnreadableRecord } from "../../core/ports.ts";
import { forEachInTurns } from "../turns.ts";
import { readLike } from "./read-like.ts";
import { keepUnknownKeys, readStored } from "./stored-json.ts";

/** A row of `machines`. */
export type MachineText = { readonly id: string; readonly document: string };

/** The records that memory holds: parts of a stored record that are the same need not be read. */
export type KnownMachines = (id: MachineId) => Machine | undefined;

/** A stored record as far as it can be read; `claims` are written as in the table of claims. */
export type StoredMachine =
  | { readonly kind: "machine"; readonly machine: Machine }
  | { readonly kind: "unreadable"; readonly record: UnreadableRecord };

/**
 * Reads a row of `machines` against the schema of records. Keys that the schema does not name stay on the record: a newer
 * server on the same database may need them. A record of a newer version is left alone: this server would misread it.
 * Never throws: one damaged row must not keep the others from being read. `known` is the record that memory holds.
 */
export function readMachine({ id, document }: MachineText, known?: Machine): StoredMachine {
  const like = known?.id === id ? readText(known, document) : undefined;
  if (like?.id === id) return { kind: "machine", machine: like };
  const read = readStored(machineRecord, document);
  const { recordVersion: version = 1, ...given }: { recordVersion?: unknown } = Object(read.given);
  const unreadable = (fault: string, more: Pick<UnreadableRecord, "newer"> = {}): StoredMachine => {
    const record = { id: id as MachineId, fault, ...leftOf(id, given), ...more };
    return { kind: "unreadable", record };
  };
  if (typeof version === "number" && version > recordVersion) {
    return unreadable(`recordVersion: expected at most ${recordVersion}, found ${version}`, { newer: true });
  }
  if (read.kind === "fault") return unreadable(read.fault);
  if (read.value.id !== id) return unreadable(`id: expected ${id}, found ${read.value.id}`);
  keepUnknownKeys(read.value, given);
  return { kind: "machine", machine: read.value };
}

/** The text of a record, read beside a known one; undefined where the schema of the whole has to decide. */
function readText(known: Machine, document: string): Machine | undefined {
  let given: unknown;
  try {
    given = JSON.parse(document);
  } catch {
    return undefined;
  }
  const { recordVersion: version = 1, ...parts }: { recordVersion?: unknown } = Object(given);
  return typeof version === "number" && version <= recordVersion ? readLike(known, parts) : undefined;
}

/** The records that can be read, and those that cannot. */
export function readMachines(rows: readonly MachineText[]): {
  readonly machines: readonly Machine[];
  readonly unreadable: readonly UnreadableRecord[];
} {
  const read = rows.map((row) => readMachine(row));
  return {
    machines: read.flatMap((one) => (one.kind === "machine" ? [one.machine] : [])),
    unreadable: read.flatMap((one) => (one.kind === "unreadable" ? [one.record] : [])),
  };
}

/** The same with packets answered in between: checking 2,000 records takes 140 ms. `known` finds what memory holds. */
export async function readMachinesInTurns(
  rows: readonly MachineText[],
  known: KnownMachines = () => undefined,
): Promise<{ readonly machines: readonly Machine[]; readonly unreadable: readonly UnreadableRecord[] }> {
  const machines: Machine[] = [];
  const unreadable: UnreadableRecord[] = [];
  await forEachInTurns(rows, (row) => {
    const read = readMachine(row, known(row.id as MachineId));
    if (read.kind === "machine") machines.push(read.machine);
    else unreadable.push(read.record);
  });
  return { machines, unreadable };
}

/** What can still be read of a damaged record, fact by fact. */
const salvageable = v.object({
  macs: v.fallback(v.array(v.string()), []),
  hostname: v.fallback(v.optional(v.string()), undefined),
  permanentAddress: v.fallback(v.optional(ipv4), undefined),
  temporaryAddress: v.fallback(v.optional(ipv4), undefined),
  firmware: v.fallback(v.optional(v.picklist(["bios", "uefi"])), undefined),
});

/** What such a record still tells of its machine: its id, at least, holds a MAC address. */
function leftOf(id: string, given: unknown): Omit<UnreadableRecord, "id" | "fault" | "newer"> {
  const salvaged = v.safeParse(salvageable, given);
  const { hostname, permanentAddress, temporaryAddress, firmware, ...left } = salvaged.success
    ? salvaged.output
    : { macs: [], ...nothingLeft };
  const [, digits = ""] = /^m-([0-9a-f]{12})$/.exec(id) ?? [];
  const macs = [...new Set([digits, ...left.macs].flatMap((text) => parseMac(text) ?? []))];
  const claims = [
    ...macs.map((mac) => `mac ${mac}`),
    ...(hostname === undefined ? [] : [`name ${hostname.toLowerCase()}`]),
    ...(permanentAddress === undefined ? [] : [`address ${formatIpv4(permanentAddress)}`]),
  ];
  return {
    ...{ claims, macs },
    ...(permanentAddress === undefined ? {} : { permanentAddress }),
    ...(temporaryAddress === undefined ? {} : { temporaryAddress }),
    ...(firmware === undefined ? {} : { firmware }),
  };
}

const nothingLeft = {
  hostname: undefined,
  permanentAddress: undefined,
  temporaryAddress: undefined,
  firmware: undefined,
};
