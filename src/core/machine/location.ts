import type { Machine } from "./record.ts";

/** The location of a machine, or the announced one: the groups `rack` and `unit` of the placement rule, and the switch port. */
export type Location = {
  readonly rack?: string;
  readonly unit?: string;
  readonly switch: string;
  readonly port: string;
};

/** The location of a machine; undefined while it is unknown. */
export function locationOf({ placement, announced }: Pick<Machine, "placement" | "announced">): Location | undefined {
  const switchPort = placement ?? announced?.place;
  if (switchPort === undefined) return undefined;
  const { rack, unit } = placement?.position ?? {};
  return {
    ...(rack === undefined ? {} : { rack }),
    ...(unit === undefined ? {} : { unit }),
    switch: switchPort.switchName,
    port: switchPort.port,
  };
}
