import { locationOf } from "../machine/location.ts";
import type { Machine, MachineId } from "../machine/record.ts";

/** How many machines may restart at the same time if an operator does not say otherwise: in all, and of one rack. */
export const usualPace = { atOnce: 10, perRack: 2 } as const;

/**
 * The machines that were told to restart and are not back. One that never comes back keeps its place: if that happens to as many
 * as may restart at once, no further one is told.
 */
export class RebootPace {
  readonly #away = new Map<MachineId, string>();

  /** Notes the record of a machine as it is now. */
  note(machine: Machine): void {
    if (machine.reboot?.sent === undefined) this.#away.delete(machine.id);
    else this.#away.set(machine.id, rackOf(machine));
  }

  forget(id: MachineId): void {
    this.#away.delete(id);
  }

  /** Whether it is the turn of a machine that is to restart. */
  mayReboot(machine: Machine): boolean {
    const { id, reboot } = machine;
    if (reboot === undefined) return false;
    if (this.#away.has(id)) return true;
    const rack = rackOf(machine);
    let inRack = 0;
    for (const other of this.#away.values()) if (other === rack) inRack += 1;
    return this.#away.size < reboot.atOnce && inRack < reboot.perRack;
  }
}

function rackOf(machine: Machine): string {
  const location = locationOf(machine);
  return location?.rack ?? location?.switch ?? "";
}
