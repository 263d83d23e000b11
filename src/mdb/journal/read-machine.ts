import * as v from "valibot";
import { machineRecord } from "../../contract/machine-record.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { UnreadableRecord } from "../../core/ports.ts";
import { forEachInTurns } from "../turns.ts";

/** A stored record as far as it can be read; `claims` are written as in the table of claims. */
export type StoredMachine =
  | { readonly kind: "machine"; readonly machine: Machine }
  | { readonly kind: "unreadable"; readonly record: UnreadableRecord };

/**
 * Reads a row of `machines` against the schema of records. Keys that the schema does not name stay on the record: a newer
 * server on the same database may need them. Never throws: one damaged row must not keep the others from being read.
 */
export function readMachine({ id, document }: { readonly id: string; readonly document: string }): StoredMachine {
  let parsed: unknown;
  try {
    parsed = JSON.parse(document);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    return unreadable(id, undefined, `expected JSON, found ${found}`);
  }
  const read = v.safeParse(machineRecord, parsed, { abortEarly: true });
  if (!read.success) {
    const [issue] = read.issues;
    const { expected, received } = issue;
    const path = v.getDotPath(issue) ?? "the whole";
    return unreadable(id, parsed, `${path}: expected ${expected ?? issue.message}, found ${received}`);
  }
  if (read.output.id !== id) return unreadable(id, parsed, `id: expected ${id}, found ${read.output.id}`);
  return { kind: "machine", machine: parsed as Machine };
}

/** The records that can be read, and those that cannot. */
export function readMachines(rows: readonly { readonly id: string; readonly document: string }[]): {
  readonly machines: readonly Machine[];
  readonly unreadable: readonly UnreadableRecord[];
} {
  const read = rows.map(readMachine);
  return {
    machines: read.flatMap((one) => (one.kind === "machine" ? [one.machine] : [])),
    unreadable: read.flatMap((one) => (one.kind === "unreadable" ? [one.record] : [])),
  };
}

/** The same with packets answered in between: checking 2,000 records takes 140 ms. */
export async function readMachinesInTurns(
  rows: readonly { readonly id: string; readonly document: string }[],
): Promise<{ readonly machines: readonly Machine[]; readonly unreadable: readonly UnreadableRecord[] }> {
  const machines: Machine[] = [];
  const unreadable: UnreadableRecord[] = [];
  await forEachInTurns(rows, (row) => {
    const read = readMachine(row);
    if (read.kind === "machine") machines.push(read.machine);
    else unreadable.push(read.record);
  });
  return { machines, unreadable };
}

const salvageable = v.object({
  macs: v.fallback(v.array(v.string()), []),
  hostname: v.fallback(v.optional(v.string()), undefined),
  permanentAddress: v.fallback(v.optional(v.string()), undefined),
});

/** What such a record still tells of the names that are its machine's: its id, at least, holds a hardware address. */
function unreadable(id: string, parsed: unknown, fault: string): StoredMachine {
  const salvaged = v.safeParse(salvageable, parsed);
  const { macs, hostname, permanentAddress } = salvaged.success
    ? salvaged.output
    : { macs: [], hostname: undefined, permanentAddress: undefined };
  const [, digits] = /^m-([0-9a-f]{12})$/.exec(id) ?? [];
  const claims = [
    ...(digits === undefined ? [] : [`mac ${(digits.match(/../g) ?? []).join(":")}`]),
    ...macs.map((mac) => `mac ${mac}`),
    ...(hostname === undefined ? [] : [`name ${hostname.toLowerCase()}`]),
    ...(permanentAddress === undefined ? [] : [`address ${permanentAddress}`]),
  ];
  return { kind: "unreadable", record: { id: id as MachineId, fault, claims: [...new Set(claims)] } };
}
