import * as host from "host";
import * as os from "os";
import * as std from "std";
import { type Patched, patchBootImage, patchCoreImage } from "../../../core/boot-loader/grub-bios.ts";
import { imagePaths } from "../../../core/install/paths.ts";
import { checked } from "../../system/errno.ts";
import { readBytes, writeToDescriptor } from "../../system/files.ts";

/** BIOS counts in sectors of 512 bytes. */
const sectorBytes = 512;

/** Writes GRUB into the first sector of a disk and its BIOS boot partition, keeping the partition table. */
export function installBiosLoader(disk: string, coreSector: number, roomSectors: number): void {
  const fd = checked(`open ${disk}`, os.open(disk, os.O_RDWR));
  try {
    const first = new Uint8Array(sectorBytes);
    checked(`read ${disk}`, os.read(fd, first.buffer, 0, sectorBytes));
    const core = usable(patchCoreImage(readBytes(imagePaths.grubCore), coreSector, roomSectors));
    const boot = usable(patchBootImage(readBytes(imagePaths.grubBoot), first, coreSector));
    // The boot sector comes last: before that write the disk boots as before.
    writeAt(fd, coreSector * sectorBytes, core, disk);
    writeAt(fd, 0, boot, disk);
  } finally {
    os.close(fd);
  }
}

function writeAt(fd: number, offset: number, bytes: Uint8Array, disk: string): void {
  checked(`seek in ${disk}`, os.seek(fd, offset, std.SEEK_SET));
  writeToDescriptor(fd, bytes, `write ${disk}`);
  host.fsync(fd);
}

function usable(patched: Patched): Uint8Array {
  if (patched.kind === "unusable") throw new Error(patched.reason);
  return patched.bytes;
}
