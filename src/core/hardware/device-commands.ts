/** An NVMe administration command; what is absent is 0. */
export type NvmeCommand = { readonly opcode: number; readonly namespace?: number; readonly cdw10?: number };

/** How commands reach the firmware of one disk. Both throw if its driver takes none. Times are milliseconds. */
export type DeviceCommands = {
  /** `data` is filled or sent, as the opcode says. Returns the status of the completion, 0 for success. */
  readonly nvme: (command: NvmeCommand, data: Uint8Array, timeoutMs: number) => number;
  /** `data` is filled or sent. `transport` is 0 if the device answered. */
  readonly scsi: (
    cdb: readonly number[],
    data: Uint8Array,
    how: { readonly direction: "none" | "in" | "out"; readonly timeoutMs: number },
  ) => ScsiAnswer;
};

export type ScsiAnswer = {
  readonly status: number;
  readonly transport: number;
  readonly bytes: number;
  readonly sense: Uint8Array;
};

/** The namespace id that means all. */
export const allNamespaces = 0xffffffff;

const getLogPage = 0x02;

/** A log page of an NVMe controller, with the status of the completion (NVM Express Base Specification 2.0, §5.16.1). */
export function readNvmeLog(
  commands: Pick<DeviceCommands, "nvme">,
  { page, bytes }: { readonly page: number; readonly bytes: number },
  timeoutMs: number,
): { readonly status: number; readonly log: Uint8Array } {
  const log = new Uint8Array(bytes);
  const cdw10 = (page | ((bytes / 4 - 1) << 16)) >>> 0;
  return { status: commands.nvme({ opcode: getLogPage, namespace: allNamespaces, cdw10 }, log, timeoutMs), log };
}
