import type { Machine } from "../machine/record.ts";

/** Groups of a placement rule that name a place within a rack, not the rack. */
const withinRack: ReadonlySet<string> = new Set(["unit", "slot", "port", "node"]);

/**
 * Where a machine's rack is, outermost first, as a path: `dc1/row2/rack7` of the position `{dc: "dc1", row: "2", rack: "7", unit: "3"}`.
 * A number alone says nothing, so it gets its group's name in front. Undefined for a machine without a place.
 */
export function locationPath({ placement }: Machine): string | undefined {
  if (placement === undefined) return undefined;
  const parts = Object.entries(placement.position)
    .filter(([group, value]) => !withinRack.has(group) && value !== "")
    .map(([group, value]) => (/^\d+$/.test(value) ? `${group}${value}` : value));
  return parts.length === 0 ? undefined : parts.join("/");
}
