import { type FatDisk, writeFatDisk } from "../../bytes/fat-disk.ts";
import { bytesFromText } from "../../bytes/text.ts";
import { writeGrubInstallScript, writeGrubLocalScript, writeGrubWaitScript } from "./grub.ts";
import type { BootOrder } from "./ipxe.ts";

/** Paths on the disk: the first is where firmware looks on removable media, the others where shim and GRUB look. */
const paths = {
  shim: "EFI/BOOT/BOOTX64.EFI",
  grub: "EFI/BOOT/GRUBX64.EFI",
  // Built into Debian's signed GRUB.
  script: "EFI/DEBIAN/GRUB.CFG",
  kernel: "VMLINUZ",
  initramfs: "INITRD.IMG",
  firmware: "FIRMWARE.IMG",
} as const;

/** Space for the script of a machine, which is the only difference between two machines' disks. */
const scriptBytes = 4096;

/** The content type that makes EDK2 boot a disk image from memory (UEFI 2.10 §24.7.3.1). */
export const bootDiskType = "application/vnd.efi-img";

/** A disk image for all machines, with space for the script of each. */
export type BootDisk = { readonly disk: Uint8Array; readonly scriptAt: number };

/** Creates a disk image with a signed chain: firmware fetches it and starts shim, then GRUB, then the kernel from memory. */
export function makeBootDisk(
  files: {
    readonly [Name in Exclude<keyof typeof paths, "script" | "firmware">]: Uint8Array;
  } & { readonly firmware?: Uint8Array },
): BootDisk {
  const all: { readonly [Name in keyof typeof paths]?: Uint8Array } = { ...files, script: new Uint8Array(scriptBytes) };
  const names = Object.keys(paths) as (keyof typeof paths)[];
  const there = names.flatMap((name) => {
    const bytes = all[name];
    return bytes === undefined ? [] : [{ path: paths[name], bytes }];
  });
  const { bytes, offsets }: FatDisk = writeFatDisk(there);
  return { disk: bytes, scriptAt: offsets.get(paths.script) ?? 0 };
}

/** The disk image of one machine as consecutive pieces, of which only the script is specific to the machine. */
export function bootDiskWith({ disk, scriptAt }: BootDisk, script: string): readonly Uint8Array[] {
  const room = new Uint8Array(scriptBytes).fill(0x0a);
  room.set(bytesFromText(script).subarray(0, scriptBytes));
  return [disk.subarray(0, scriptAt), room, disk.subarray(scriptAt + scriptBytes)];
}

/** The variant of GRUB's scripts without a caller that could repeat them: a machine that has to wait restarts. */
export const bootDiskScripts = {
  install: (boot: BootOrder) =>
    writeGrubInstallScript(boot, { initramfs: `/${paths.initramfs}`, firmware: `/${paths.firmware}` }),
  local: writeGrubLocalScript,
  wait: (...plan: Parameters<typeof writeGrubWaitScript>) => `${writeGrubWaitScript(...plan)}reboot\n`,
} as const;
