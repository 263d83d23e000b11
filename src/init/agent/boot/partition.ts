import * as host from "host";
import { makeDirectories } from "../../system/files.ts";
import { deviceOf } from "../scan.ts";
import type { SubContext } from "../sub-context.ts";

const remountReadOnly = 0x21; // MS_REMOUNT | MS_RDONLY (mount(2))
const remountWritable = 0x20;

/**
 * The directory where the boot partition is mounted. It is mounted if the system could not mount it at its start, which it survives
 * (fstab: nofail). Throws if that fails: the files must not land on the root.
 */
export function openPartition(context: Pick<SubContext, "root" | "settings" | "log">, mountPoint: string): string {
  const { root, settings, log } = context;
  const directory = `${root}${mountPoint}`;
  makeDirectories(directory, 0o700);
  // Another tree than the machine's own has no mounts.
  if (root !== "" || deviceOf(directory) !== deviceOf("/")) return directory;
  host.mount(`/dev/disk/by-partuuid/${settings.boot.partUuid.toLowerCase()}`, directory, "ext4", 0, "");
  log("warn", "the boot partition was not mounted; it is now", { directory });
  return directory;
}

/**
 * GRUB reads ext4 without its journal, and sync(2) leaves changes in the journal. Only a remount as read-only writes
 * them to where GRUB reads (ext4_mark_recovery_complete).
 */
export function flushPartition({ root, log }: Pick<SubContext, "root" | "log">, directory: string): void {
  if (deviceOf(directory) === deviceOf(root === "" ? "/" : root)) return;
  try {
    host.sync();
    host.mount("", directory, "", remountReadOnly, "");
    host.mount("", directory, "", remountWritable, "");
  } catch (error) {
    // A process has a file open for writing there; a clean shutdown will flush it.
    log("warn", "flushing the boot partition failed", { error: String(error) });
  }
}
