import { fault } from "../system/errno.ts";
import type { Disk } from "./block-device.ts";

/** A command of nvmeAdmin, read: the words of an NVMe submission that it names. */
export type NvmeCommand = { readonly opcode: number; readonly namespace: number; readonly cdw: readonly number[] };

/** What is behind a disk and answers commands that pass the kernel. Its state survives a boot. `nowMs` is the time of the world. */
export type DeviceFirmware = {
  readonly nvmeAdmin?: (
    command: NvmeCommand,
    data: Uint8Array,
    nowMs: number,
  ) => { readonly status: number; readonly result: number; readonly tookMs?: number };
  readonly scsi?: (
    cdb: Uint8Array,
    data: Uint8Array,
    nowMs: number,
  ) => { readonly status: number; readonly sense: Uint8Array; readonly bytes?: number; readonly tookMs?: number };
  /** Whether the medium can be read and written now: a device that erases itself refuses both. */
  readonly isReady?: (nowMs: number) => boolean;
};

/** Reads the command buffer of nvmeAdmin: eight words, little-endian. */
export function readNvmeCommand(command: ArrayBuffer): NvmeCommand {
  const view = new DataView(command);
  const [opcode = 0, namespace = 0, ...cdw] = Array.from({ length: 8 }, (_, index) => view.getUint32(4 * index, true));
  return { opcode, namespace, cdw };
}

/** A disk whose reads and writes its firmware may refuse. */
export function throughFirmware(
  disk: Disk,
  firmware: DeviceFirmware | undefined,
  { worldMs }: { readonly worldMs: () => number },
): Disk {
  if (firmware?.isReady === undefined) return disk;
  const { isReady } = firmware;
  const checked = () => {
    if (!isReady(worldMs())) throw fault("EIO");
  };
  return {
    ...disk,
    read: (offset, length) => {
      checked();
      return disk.read(offset, length);
    },
    write: (offset, bytes) => {
      checked();
      disk.write(offset, bytes);
    },
  };
}
