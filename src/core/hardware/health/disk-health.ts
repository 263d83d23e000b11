/** What a disk says of its health. */
export type DiskHealth = {
  /** By name with the unit last, such as `{ reallocatedSectors: 0, powerOnHours: 12034 }`; only what it says. */
  readonly figures: { readonly [name: string]: number };
  /** Why it has failed or is about to, by its own judgement; empty if it says that it is well. */
  readonly failures: readonly string[];
};

/** A sound disk answers within milliseconds; one that is just starting up, within seconds. */
export const healthCommandMs = 10_000;

/** Figures that count what went wrong on the disk: they never rise on a sound one, least of all during a test. */
const damages = [
  ...["reallocatedSectors", "pendingSectors", "uncorrectableSectors", "crcErrors", "mediaErrors"],
  ...["readErrors", "writeErrors"],
];

/** What was damaged between two readings of one disk, such as `pendingSectors rose from 0 to 8`. */
export function damageBetween(before: DiskHealth["figures"], after: DiskHealth["figures"]): readonly string[] {
  return damages.flatMap((name) => {
    const [then, now] = [before[name], after[name]];
    return then !== undefined && now !== undefined && now > then ? [`${name} rose from ${then} to ${now}`] : [];
  });
}
