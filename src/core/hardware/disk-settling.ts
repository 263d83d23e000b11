import { type DiskIdentity, findRecorded, isRecognisable, type RecordedDisk } from "./disk-identity.ts";
import type { Disk } from "./hardware.ts";
import { isFixed } from "./suitable-disk.ts";

/**
 * Waits until the list of disks is complete: kernels detect disks one by one, each controller at its own pace, and a choice
 * from an incomplete list may take a data disk. A step function: the caller scans and sleeps.
 */
export type DiskSettling =
  | { readonly kind: "waiting"; readonly since: SettlingSince; readonly wakeAtMs: number }
  | { readonly kind: "settled" };

type SettlingSince = { readonly startMs: number; readonly unchangedMs: number; readonly seen: string };

export type DiskSight = {
  readonly disks: readonly Disk[];
  /** Drivers of the SCSI hosts (`/sys/class/scsi_host/hostN/proc_name`). */
  readonly hostDrivers: readonly string[];
  /** The root disk that an earlier birth chose. */
  readonly recorded?: RecordedDisk | undefined;
  /** All disks of that time. */
  readonly knownDisks?: readonly DiskIdentity[] | undefined;
};

/** How long the list must remain unchanged. */
const quietMs = 2000;
/** The same behind a SAS or RAID controller, which wakes its disks in groups, seconds apart (SAS-3 staggered spin-up). */
const slowQuietMs = 8000;
const slowDrivers: readonly string[] = ["mpt3sas", "mptsas", "megaraid_sas", "smartpqi", "hpsa", "aacraid", "qla2xxx"];
/** How long to wait for a required disk: any disk, or the recorded one. */
const missingMs = 20_000;
/** Upper limit: disks that come and go must not delay a birth forever. */
const mostMs = 60_000;
const lookEveryMs = 250;

/** The longest possible wait, for the deadline of the caller. */
export const disksSettleSeconds = mostMs / 1000;

/** One check of the disks; `before` is the result of the previous check. */
export function settleDisks(before: DiskSettling | undefined, sight: DiskSight, nowMs: number): DiskSettling {
  const { disks, hostDrivers, recorded, knownDisks } = sight;
  const seen = disks.map((disk) => [disk.path, disk.wwn, disk.serial, disk.sizeBytes].join(" ")).join("\n");
  const last = before?.kind === "waiting" ? before.since : { startMs: nowMs, unchangedMs: nowMs, seen };
  const since = last.seen === seen ? last : { ...last, unchangedMs: nowMs, seen };

  const complete =
    recorded === undefined || !isRecognisable(recorded)
      ? disks.some(isFixed)
      : findRecorded(disks, recorded, knownDisks).kind === "found";
  const quiet = hostDrivers.some((driver) => slowDrivers.includes(driver)) ? slowQuietMs : quietMs;
  const settledAtMs = Math.min(since.unchangedMs + (complete ? quiet : missingMs), since.startMs + mostMs);
  if (nowMs >= settledAtMs) return { kind: "settled" };
  return { kind: "waiting", since, wakeAtMs: Math.min(nowMs + lookEveryMs, settledAtMs) };
}
