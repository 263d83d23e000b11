import type { Machine } from "./record.ts";

/** The location of a machine, or the announced one: the groups `rack` and `unit` of the placement rule, and the switch port. */
export type Location = {
  readonly rack?: string;
  readonly unit?: string;
  readonly switch: string;
  readonly port: string;
};

/**
 * The location of a machine; undefined while it is unknown. Until its slot is accepted, that of its first birth is where it
 * hears its switch.
 */
export function locationOf(
  machine: Pick<Machine, "placement" | "announced" | "heard" | "state">,
): Location | undefined {
  const { placement, announced, heard, state } = machine;
  const known = placement ?? (state === "birth" && heard?.kind === "placed" ? heard : undefined);
  const switchPort = known ?? announced?.place;
  if (switchPort === undefined) return undefined;
  const { rack, unit } = known?.position ?? {};
  return {
    ...(rack === undefined ? {} : { rack }),
    ...(unit === undefined ? {} : { unit }),
    switch: switchPort.switchName,
    port: switchPort.port,
  };
}
