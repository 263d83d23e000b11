import * as host from "host";
import { rootPaths } from "../../../core/install/paths.ts";
import { messageOf } from "../../birth/stop.ts";
import { makeDirectories } from "../../system/files.ts";
import { deviceOf } from "../scan/scan.ts";
import type { SubContext } from "../sub-context.ts";
import { syncDisks } from "../update/sync-disks.ts";

const remountReadOnly = 0x21; // MS_REMOUNT | MS_RDONLY (mount(2))
const remountWritable = 0x20;

type PartitionContext = Pick<SubContext, "root" | "settings" | "log">;

/**
 * The directories where the boot partitions are mounted: that of the root disk, and of a mirrored root the other disk's, as far as they
 * are there. Each is mounted if the system could not mount it at its start, which it survives (fstab: nofail). Throws if there is
 * none: the files must not land on the root.
 */
export function openPartitions(context: PartitionContext, mountPoint: string): readonly [string, ...string[]] {
  const { boot } = context.settings;
  if (boot.mirrorPartUuid === undefined) return [openPartition(context, boot.partUuid, mountPoint)];
  const wanted = [
    { partUuid: boot.partUuid, mountPoint },
    { partUuid: boot.mirrorPartUuid, mountPoint: rootPaths.mirrorBootPartition },
  ];
  const faults: string[] = [];
  const opened = wanted.flatMap((place) => {
    try {
      return [openPartition(context, place.partUuid, place.mountPoint)];
    } catch (error) {
      faults.push(messageOf(error));
      return [];
    }
  });
  const [first, ...others] = opened;
  if (first === undefined)
    throw new Error(`boot partitions: expected one of the mirror's, found none: ${faults.join("; ")}`);
  for (const fault of faults) context.log("warn", "a boot partition of the mirror is missing", { fault });
  return [first, ...others];
}

function openPartition({ root, log }: PartitionContext, partUuid: string, mountPoint: string): string {
  const directory = `${root}${mountPoint}`;
  makeDirectories(directory, 0o700);
  // Another tree than the machine's own has no mounts.
  if (root !== "" || deviceOf(directory) !== deviceOf("/")) return directory;
  host.mount(`/dev/disk/by-partuuid/${partUuid.toLowerCase()}`, directory, "ext4", 0, "");
  log("warn", "the boot partition was not mounted; it is now", { directory });
  return directory;
}

/**
 * GRUB reads ext4 without its journal, and sync(2) leaves changes in the journal. Only a remount as read-only writes
 * them to where GRUB reads (ext4_mark_recovery_complete).
 */
export function flushPartition(
  { root, log, alive }: Pick<SubContext, "root" | "log" | "alive">,
  directory: string,
): void {
  if (deviceOf(directory) === deviceOf(root === "" ? "/" : root)) return;
  try {
    syncDisks({ alive });
    host.mount("", directory, "", remountReadOnly, "");
    host.mount("", directory, "", remountWritable, "");
  } catch (error) {
    // A process has a file open for writing there; a clean shutdown will flush it.
    log("warn", "flushing the boot partition failed", { error: String(error) });
  }
}
