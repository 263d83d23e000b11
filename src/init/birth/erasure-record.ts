import type { DiskErasure, ErasureStep } from "../../core/erasure/erasure.ts";
import type { DiskIdentity } from "../../core/hardware/disk-identity.ts";
import type { Disk } from "../../core/hardware/hardware.ts";
import type { ProgressReport } from "./mdb.ts";

/** What was destroyed, disk by disk. */
export type ErasureRecord = {
  /** A step on one disk; without a disk, on what all of them depend. */
  readonly note: (step: ErasureStep, disk?: DiskIdentity) => void;
  /** The items of reports about what was noted, few in each. */
  readonly reports: () => readonly (readonly ProgressReport[])[];
};

/** The server accepts a hundred items, and the log's in the same report. */
const itemsPerReport = 20;

/** A record of nothing yet; `disks` are all of the machine. */
export function openErasureRecord(disks: readonly Disk[]): ErasureRecord {
  const ofAll: ErasureStep[] = [];
  const ofDisk = new Map<string, ErasureStep[]>();
  return {
    note: (step, disk) => {
      if (disk === undefined) ofAll.push(step);
      else ofDisk.set(disk.path, [...(ofDisk.get(disk.path) ?? []), step]);
    },
    reports: () => {
      const items = disks.flatMap(({ path, serial, wwn, model, sizeBytes }) => {
        const steps = ofDisk.get(path);
        if (steps === undefined) return [];
        const erasure: DiskErasure = { disk: { path, serial, wwn, model, sizeBytes }, steps: [...ofAll, ...steps] };
        return [{ kind: "erasure", erasure } as const];
      });
      return items.flatMap((_, at) => (at % itemsPerReport === 0 ? [items.slice(at, at + itemsPerReport)] : []));
    },
  };
}
