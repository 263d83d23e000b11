import type { DeviceCommands } from "../../../core/hardware/device-commands.ts";
import { readAtaHealth } from "../../../core/hardware/health/ata-smart.ts";
import type { DiskHealth } from "../../../core/hardware/health/disk-health.ts";
import { readNvmeHealth } from "../../../core/hardware/health/nvme-health.ts";
import { readScsiHealth } from "../../../core/hardware/health/scsi-log.ts";
import type { Log } from "../../../core/ports.ts";
import { messageOf } from "../../birth/stop.ts";
import { isAtaDisk } from "./ata-disk.ts";
import { commandsTo } from "./commands.ts";

/** What a disk says of its health; undefined if it says nothing, such as a virtual one or a volume of a RAID controller. */
export function readDiskHealth(path: string, log: Log): DiskHealth | undefined {
  try {
    return ask(path, commandsTo(path));
  } catch (error) {
    log("info", "a disk does not tell its health", { path, fault: messageOf(error) });
    return undefined;
  }
}

function ask(path: string, commands: DeviceCommands): DiskHealth | undefined {
  const name = path.replace("/dev/", "");
  if (name.startsWith("nvme")) return readNvmeHealth(commands);
  if (!/^sd/.test(name)) return undefined;
  return isAtaDisk(name) ? readAtaHealth(commands) : readScsiHealth(commands);
}
