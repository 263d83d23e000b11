import type { Machine } from "../machine/record.ts";
import { fieldValues } from "./machine-fields.ts";
import { type Requirement, selects } from "./selector.ts";

/** Which machines are meant: by operators' tags, by fields of the record; what is absent asks for nothing. */
export type Selection = { readonly labels?: readonly Requirement[]; readonly where?: readonly Requirement[] };

/** Whether a machine is among those that are meant. */
export function isSelected(machine: Machine, { labels = [], where = [] }: Selection): boolean {
  return (
    selects(where, (name) => fieldValues(machine, name)) && selects(labels, (name) => tagValues(machine.tags, name))
  );
}

function tagValues(tags: Machine["tags"], name: string): readonly string[] {
  const found = Object.entries(tags ?? {}).find(([tag]) => tag === name);
  return found === undefined ? [] : [found[1]];
}
