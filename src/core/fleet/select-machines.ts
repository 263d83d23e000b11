import type { Machine } from "../machine/record.ts";
import { fieldValues } from "./machine-fields.ts";
import { type Requirement, selects } from "./selector.ts";

/** A selection of machines by tags and by fields of the record; an absent part selects all. */
export type Selection = { readonly labels?: readonly Requirement[]; readonly where?: readonly Requirement[] };

/** Whether a selection contains a machine, of a fleet that an external Dominator updates or not. */
export function isSelected(
  machine: Machine,
  { labels = [], where = [] }: Selection,
  othersUpdate: boolean | undefined,
): boolean {
  return (
    selects(where, (name) => fieldValues(machine, name, othersUpdate)) &&
    selects(labels, (name) => tagValues(machine.tags, name))
  );
}

function tagValues(tags: Machine["tags"], name: string): readonly string[] {
  const found = Object.entries(tags ?? {}).find(([tag]) => tag === name);
  return found === undefined ? [] : [found[1]];
}
