import type { Machine } from "./record.ts";

/** Where a machine stands: the placement rule's groups (`rack`, `unit`), and the switch port; of one that is announced, where it is to come. */
export type Location = {
  readonly rack?: string;
  readonly unit?: string;
  readonly switch: string;
  readonly port: string;
};

/** The location of a machine; undefined while nothing is known of it. */
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
