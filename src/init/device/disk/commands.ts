import * as host from "host";
import type { DeviceCommands } from "../../../core/hardware/device-commands.ts";

/** Commands to the firmware of the disk at a path. */
export function commandsTo(path: string): DeviceCommands {
  return {
    nvme: ({ opcode, namespace = 0, cdw10 = 0 }, data, timeoutMs) => {
      const words = Uint32Array.of(opcode, namespace, cdw10, 0, 0, 0, 0, 0);
      return through(data, (buffer) => host.nvmeAdmin(path, words.buffer, buffer, timeoutMs).status);
    },
    scsi: (cdb, data, { direction, timeoutMs }) =>
      through(data, (buffer) => {
        const answer = host.scsiCommand(path, Uint8Array.from(cdb).buffer, buffer, direction, timeoutMs);
        return { ...answer, sense: new Uint8Array(answer.sense) };
      }),
  };
}

/** A whole buffer goes to the device; what it holds afterwards is copied back. */
function through<Answer>(data: Uint8Array, work: (buffer: ArrayBuffer) => Answer): Answer {
  const copy = data.slice();
  const answer = work(copy.buffer);
  data.set(copy);
  return answer;
}
