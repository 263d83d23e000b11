import type { MachineVolume } from "../../../core/install/machine-volumes.ts";
import type { Log } from "../../../core/ports.ts";
import { exists } from "../../system/files.ts";
import { deviceOf } from "../scan/scan.ts";
import { readVolumes } from "./read-volumes.ts";

/** Whether another file system is mounted at this path. */
export function isMounted(mountPoint: string): boolean {
  return exists(mountPoint) && deviceOf(mountPoint) !== deviceOf(`${mountPoint}/..`);
}

/** Says which volumes of this machine are not mounted, on its log and in the MDB. Throws if the list of volumes is invalid. */
export function reportUnmounted(root: string, log: Log): void {
  for (const { name, mountPoint, partUuid } of readVolumes(root).volumes.filter(isMissing))
    log("error", "a volume is not mounted: birther-volumes.service says why", { name, mountPoint, partUuid });

  function isMissing({ mountPoint }: MachineVolume): boolean {
    return mountPoint !== undefined && !isMounted(`${root}${mountPoint}`);
  }
}
