/** What a disk says of its health. */
export type DiskHealth = {
  /** By name with the unit last, such as `{ reallocatedSectors: 0, powerOnHours: 12034 }`; only what it says. */
  readonly figures: { readonly [name: string]: number };
  /** Why it has failed or is about to, by its own judgement; empty if it says that it is well. */
  readonly failures: readonly string[];
};

/**
 * The answer to a command (host.d.ts, `scsiCommand`): the SCSI status (0 is good, 2 has sense data), what the transport says
 * (0 is good), sense data and data.
 */
export type ScsiAnswer = {
  readonly status: number;
  readonly transport: number;
  readonly sense: Uint8Array;
  readonly data: Uint8Array;
};

/** How a disk is asked. Each throws if the kernel or its driver refuses the request. */
export type DiskCommands = {
  /** A SCSI command without data, or with `bytes` of data from the disk. */
  readonly scsi: (command: Uint8Array, bytes: number) => ScsiAnswer;
  /** A log page of an NVMe controller. */
  readonly nvmeLog: (page: number, bytes: number) => Uint8Array;
};

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
