import * as v from "valibot";
import { machineEvent } from "../../contract/machine-event.ts";
import { conditions, machineId } from "../../contract/machine-record.ts";
import { pinned } from "../../contract/same.ts";
import { phases } from "../../core/machine/phase.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { machineStates } from "../../core/machine/state.ts";
import type { PastChange } from "../../core/ports.ts";
import { readStored } from "./stored-json.ts";

/** A row of the table `changes`. */
export type ChangeRow = {
  readonly position: unknown;
  readonly machine_id: unknown;
  readonly at_ms: unknown;
  readonly by_whom: unknown;
  readonly event: unknown;
  readonly outcome: unknown;
  readonly absorbed: unknown;
};

/** What became of the machine, as a row of `changes` holds it. */
const outcome = pinned<PastChange["machine"]>()(
  v.object({
    id: machineId,
    revision: v.number(),
    state: v.picklist(machineStates),
    generation: v.number(),
    conditions,
    hostname: v.exactOptional(v.string()),
    phase: v.exactOptional(v.picklist(phases)),
  }),
);
const absorbedIds = v.array(machineId);

/**
 * The change in a row. A part that cannot be read does not keep the others from being read: the event is then
 * `unreadable` and says where; a machine whose outcome cannot be read has only its id.
 */
export function readChange(row: ChangeRow): PastChange {
  const event = readStored(machineEvent, String(row.event));
  const machine = readStored(outcome, String(row.outcome));
  const absorbed = row.absorbed === null ? undefined : readStored(absorbedIds, String(row.absorbed));
  const fault = [
    ...(event.kind === "fault" ? [`event: ${event.fault}`] : []),
    ...(machine.kind === "fault" ? [`outcome: ${machine.fault}`] : []),
    ...(absorbed?.kind === "fault" ? [`absorbed: ${absorbed.fault}`] : []),
  ].join("; ");
  return {
    position: Number(row.position),
    atMs: Number(row.at_ms),
    event: event.kind === "read" && fault === "" ? event.value : { kind: "unreadable", fault },
    machine: machine.kind === "read" ? machine.value : nothingBut(String(row.machine_id) as MachineId),
    ...(row.by_whom === null ? {} : { by: String(row.by_whom) }),
    ...(absorbed?.kind === "read" ? { absorbed: absorbed.value } : {}),
  };
}

function nothingBut(id: MachineId): PastChange["machine"] {
  return { id, revision: 0, state: "unknown", generation: 0, conditions: [] };
}
