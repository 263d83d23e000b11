import * as host from "host";
import { statusOf } from "../../../core/erasure/device/device-erase.ts";
import type { EraseStatus } from "../../../core/erasure/device/erase-way.ts";
import type { Log } from "../../../core/ports.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { writeText } from "../../system/files.ts";
import { commandsTo } from "../disk/commands.ts";
import { deviceOf, pathsOfDevices } from "./devices.ts";

/** Percent of all disks that erase themselves; called at least every `pollMs`, so that the watchdog is told. */
export type Working = (donePercent: number, disks: number) => void;

const pollMs = 5000;
/** A disk that says for so long that it is as far as before does not go on. */
const stuckMs = 2 * 3_600_000;

/** Waits until none of these disks is erasing itself. Throws if one gets no further. Returns what each said in the end. */
export function waitForErasing(paths: readonly string[], working: Working): ReadonlyMap<string, EraseStatus> {
  const ended = new Map<string, EraseStatus>();
  const seen = new Map<string, { readonly percent: number; readonly sinceMs: number }>();
  while (ended.size < paths.length) {
    let percent = 0;
    for (const path of paths) {
      const status = ended.get(path) ?? statusOf(deviceOf(path, []), commandsTo(path));
      if (status.kind === "running") noteProgress(seen, path, status.percent);
      else ended.set(path, status);
      percent += status.kind === "running" ? status.percent : 100;
    }
    working(percent, paths.length);
    if (ended.size < paths.length) sleepMs(pollMs);
  }
  return ended;
}

function noteProgress(
  seen: Map<string, { readonly percent: number; readonly sinceMs: number }>,
  path: string,
  percent: number,
): void {
  const nowMs = host.monotonicMs();
  const before = seen.get(path);
  if (before === undefined || before.percent !== percent) seen.set(path, { percent, sinceMs: nowMs });
  else if (nowMs - before.sinceMs > stuckMs)
    throw new Error(`${path}: expected its erasing to go on, found ${percent} % for ${stuckMs / 3_600_000} hours`);
}

/**
 * Waits for disks on which an earlier attempt has begun an erasing that a power cut did not stop: until its end they can be neither read
 * nor written. Returns their paths.
 */
export function awaitEarlierErasing(log: Log, working: Working): readonly string[] {
  const running = pathsOfDevices().filter((path) => isRunning(path, log));
  if (running.length === 0) return [];
  log("info", "disks are erasing themselves since before this start", { paths: running.join(", ") });
  waitForErasing(running, working);
  for (const path of running) showAgain(path, log);
  return running;
}

function isRunning(path: string, log: Log): boolean {
  try {
    return statusOf(deviceOf(path, []), commandsTo(path)).kind === "running";
  } catch (error) {
    log("info", "a disk does not say whether it erases itself", { path, fault: messageOf(error) });
    return false;
  }
}

/** The kernel could read neither the size of a SCSI disk nor its partitions. */
function showAgain(path: string, log: Log): void {
  const name = path.slice("/dev/".length);
  try {
    if (name.startsWith("sd")) writeText(`/sys/block/${name}/device/rescan`, "1");
    host.rereadPartitions(path);
  } catch (error) {
    log("info", "a disk that has erased itself is not shown anew", { path, fault: messageOf(error) });
  }
}
