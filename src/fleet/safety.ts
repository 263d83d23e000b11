import { openRunningCheck } from "../core/machine/check.ts";
import type { Machine, MachineId } from "../core/machine/record.ts";
import type { Change } from "../core/ports.ts";

/** What no sequence of events may do, checked after each change of a record. */
export type Safety = { readonly changed: (change: Change) => void };

/** `broken` receives each broken property, in a sentence. */
export function openSafety(broken: (what: string, id: MachineId) => void): Safety {
  const check = openRunningCheck();
  const last = new Map<MachineId, Machine>();
  const installed = new Map<MachineId, number>();

  function compare(was: Machine | undefined, machine: Machine, kind: string): void {
    const { id, revision, generation, macs, state } = machine;
    const say = (what: string) => broken(`${id}: ${what} by ${kind}`, id);
    if (was !== undefined && revision !== was.revision + 1) say(`revision ${was.revision} became ${revision}`);
    if (was !== undefined && generation < was.generation) say(`generation ${was.generation} became ${generation}`);
    if (was !== undefined && was.macs.length > 0 && macs[0] !== was.macs[0]) say("it is known by another NIC");
    if (was?.state === "healthy" && state !== "healthy" && fromNetwork.has(kind)) say(`healthy became ${state}`);
    if (kind !== "becameHealthy" || was?.state === "healthy") return;
    if (installed.get(id) === generation) say(`generation ${generation} was installed twice`);
    installed.set(id, generation);
  }
  return {
    changed: ({ machine: then, event, absorbed = [] }) => {
      for (const id of absorbed) {
        check.gone(id);
        last.delete(id);
      }
      // The record of a change on this server is whole.
      const machine = then as Machine;
      compare(last.get(machine.id), machine, event.kind);
      last.set(machine.id, machine);
      for (const { message } of check.changed(machine)) broken(message, machine.id);
    },
  };
}

/** Events that packets and requests of machines cause: none of them leads out of *healthy*. */
const fromNetwork: ReadonlySet<string> = new Set([
  ...["pxeAsked", "pxeAskedAgain", "addressDeclined", "addressSeen", "phaseSeen", "orderIssued", "orderTaken"],
  ...[
    "hardwareScanned",
    "neighboursSeen",
    "burnInDone",
    "placed",
    "failed",
    "becameHealthy",
    "agentResumed",
    "subSeen",
  ],
]);
