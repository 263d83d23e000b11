import { groupsOf, longestWindowMs, type Owned, type Ownership } from "../../core/fleet/blast-radius.ts";
import type { MachineId } from "../../core/machine/record.ts";

/** The ownership of a fleet, kept up to date machine by machine. */
export class OwnershipIndex implements Ownership {
  readonly sizes = new Map<string, number>();
  readonly #sentAway = new Map<MachineId, Owned>();

  get sentAway(): Iterable<Owned> {
    return this.#sentAway.values();
  }

  /** Replaces what a machine counted for before; either is undefined for a machine that comes or goes. */
  change(before: Owned | undefined, after: Owned | undefined): void {
    if (before?.groups !== after?.groups || before === undefined || after === undefined) {
      for (const name of before === undefined ? [] : groupsOf(before)) this.#count(name, -1);
      for (const name of after === undefined ? [] : groupsOf(after)) this.#count(name, 1);
    }
    if (after?.sentAway !== undefined) this.#note(after.id, after.sentAway.atMs, after);
    else if (before !== undefined) this.#sentAway.delete(before.id);
  }

  #note(id: MachineId, atMs: number, machine: Owned): void {
    // The last one sent away comes last, so that the first ones are the oldest.
    if (this.#sentAway.get(id)?.sentAway?.atMs !== atMs) this.#sentAway.delete(id);
    this.#sentAway.set(id, machine);
    for (const [oldest, { sentAway }] of this.#sentAway) {
      if (sentAway !== undefined && sentAway.atMs >= atMs - longestWindowMs) return;
      this.#sentAway.delete(oldest);
    }
  }

  #count(name: string, more: 1 | -1): void {
    const size = (this.sizes.get(name) ?? 0) + more;
    if (size === 0) this.sizes.delete(name);
    else this.sizes.set(name, size);
  }
}
