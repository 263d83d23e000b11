import type { DeviceCommands } from "../device-commands.ts";
import { healthCommandMs } from "./disk-health.ts";

/** The answer to a command: the SCSI status (0 is good, 2 has sense data), what the transport says (0 is good), and what it sent. */
export type ScsiData = {
  readonly status: number;
  readonly transport: number;
  readonly sense: Uint8Array;
  readonly data: Uint8Array;
};

/** Sends a SCSI command without data, or with up to `bytes` of data from the disk. Throws if its driver takes none. */
export function readByScsi({ scsi }: Pick<DeviceCommands, "scsi">, cdb: readonly number[], bytes: number): ScsiData {
  const data = new Uint8Array(bytes);
  const answer = scsi(cdb, data, { direction: bytes === 0 ? "none" : "in", timeoutMs: healthCommandMs });
  return { ...answer, data: data.subarray(0, answer.bytes) };
}
