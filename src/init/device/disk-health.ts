import * as host from "host";
import { readAtaHealth } from "../../core/hardware/health/ata-smart.ts";
import type { DiskCommands, DiskHealth } from "../../core/hardware/health/disk-health.ts";
import { readNvmeHealth } from "../../core/hardware/health/nvme-health.ts";
import { readScsiHealth } from "../../core/hardware/health/scsi-log.ts";
import type { Log } from "../../core/ports.ts";
import { messageOf } from "../birth/stop.ts";
import { isAtaDisk } from "./ata-disk.ts";

/** A sound disk answers within milliseconds; one that is just starting up, within seconds. */
const commandMs = 10_000;

/** What a disk says of its health; undefined if it says nothing, such as a virtual one or a volume of a RAID controller. */
export function readDiskHealth(path: string, log: Log): DiskHealth | undefined {
  try {
    return ask(path, commandsOf(path));
  } catch (error) {
    log("info", "a disk does not tell its health", { path, fault: messageOf(error) });
    return undefined;
  }
}

function ask(path: string, commands: DiskCommands): DiskHealth | undefined {
  const name = path.replace("/dev/", "");
  if (name.startsWith("nvme")) return readNvmeHealth(commands);
  if (!/^sd/.test(name)) return undefined;
  return isAtaDisk(name) ? readAtaHealth(commands) : readScsiHealth(commands);
}

const nvmeGetLogPage = 0x02;
const allNamespaces = 0xffffffff;

function commandsOf(path: string): DiskCommands {
  return {
    scsi: (command, bytes) => {
      const data = new Uint8Array(bytes);
      const direction = bytes === 0 ? "none" : "in";
      const answer = host.scsiCommand(path, command.slice().buffer, data.buffer, direction, commandMs);
      return { ...answer, sense: new Uint8Array(answer.sense), data: data.subarray(0, answer.bytes) };
    },
    nvmeLog: (page, bytes) => {
      const data = new Uint8Array(bytes);
      const words = [nvmeGetLogPage, allNamespaces, page | ((bytes / 4 - 1) << 16), 0, 0, 0, 0, 0];
      const { status } = host.nvmeAdmin(path, Uint32Array.from(words).buffer, data.buffer, commandMs);
      if (status !== 0) throw new Error(`log page ${page} of ${path}: status 0x${status.toString(16)}`);
      return data;
    },
  };
}
