import type { Chassis } from "../world.ts";

/** The rate at which a machine's disk writes. */
export function diskRate(usual: number, { fault }: Pick<Chassis, "fault">): number {
  return fault === "slowDisk" ? usual / 10 : usual;
}
