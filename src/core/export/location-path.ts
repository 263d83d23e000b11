import type { Machine } from "../machine/record.ts";

/** Groups of a placement rule that name a place within a rack rather than the rack. */
const withinRack: ReadonlySet<string> = new Set(["unit", "slot", "port", "node"]);

/**
 * The location of a machine's rack as a path, outermost first: `dc1/row2/rack7` for the position `{dc: "dc1", row: "2",
 * rack: "7", unit: "3"}`. A bare number gets the name of its group as a prefix. Undefined for a machine without a slot.
 */
export function locationPath({ placement }: Machine): string | undefined {
  if (placement === undefined) return undefined;
  const parts = Object.entries(placement.position)
    .filter(([group, value]) => !withinRack.has(group) && value !== "")
    .map(([group, value]) => (/^\d+$/.test(value) ? `${group}${value}` : value));
  return parts.length === 0 ? undefined : parts.join("/");
}
