/**
 * What grub-bios-setup does, as pure functions: they adapt GRUB's two images to each other on a GPT disk. Offsets: GRUB
 * 2.06, include/grub/i386/pc/boot.h and include/grub/offsets.h.
 */
const sectorBytes = 512;

/** boot.img: the 64-bit sector number of core.img. */
const kernelSectorAt = 0x5c;
/**
 * boot.img: a two-byte jump. Two NOPs replace it, so that the code corrects a wrong drive number from the BIOS
 * (setup.c).
 */
const driveCheckAt = 0x66;
const nop = 0x90;
/** From this offset on, the MBR (disk signature, partition table, mark) belongs to the disk, not to GRUB. */
const codeEnd = 0x1b8;

/** core.img: the block list in the first sector: 64-bit start, 16-bit count, 16-bit segment of the remainder. */
const blockListAt = 0x1f4;
/** Where the remainder is loaded: GRUB_BOOT_I386_PC_KERNEL_SEG + 0x20. */
const kernelSegment = 0x820;

export type Patched =
  | { readonly kind: "patched"; readonly bytes: Uint8Array }
  | { readonly kind: "unusable"; readonly reason: string };

/**
 * The new first sector of a disk: the code of boot.img with the location of core.img, and the disk's own partition
 * table.
 */
export function patchBootImage(bootImage: Uint8Array, firstSectorOfDisk: Uint8Array, coreSector: number): Patched {
  if (bootImage.length !== sectorBytes || firstSectorOfDisk.length !== sectorBytes) {
    return unusable(
      `boot.img has ${bootImage.length} bytes and the disk's sector ${firstSectorOfDisk.length}, not 512`,
    );
  }
  if (bootImage[0x1fe] !== 0x55 || bootImage[0x1ff] !== 0xaa) return unusable("boot.img does not end in 55 AA");
  const sector = Uint8Array.from(firstSectorOfDisk);
  sector.set(bootImage.subarray(0, codeEnd), 0);
  putUnsigned64(sector, kernelSectorAt, coreSector);
  sector[driveCheckAt] = nop;
  sector[driveCheckAt + 1] = nop;
  return { kind: "patched", bytes: sector };
}

/**
 * core.img with a block list for a second sector that follows the first one at `coreSector`; padded to whole sectors.
 */
export function patchCoreImage(coreImage: Uint8Array, coreSector: number, roomSectors: number): Patched {
  const sectors = Math.ceil(coreImage.length / sectorBytes);
  if (sectors > roomSectors) return unusable(`core.img needs ${sectors} sectors and the partition has ${roomSectors}`);
  if (sectors < 2) return unusable(`core.img has only ${coreImage.length} bytes`);
  const bytes = new Uint8Array(sectors * sectorBytes);
  bytes.set(coreImage);
  const view = new DataView(bytes.buffer);
  const count = view.getUint16(blockListAt + 8, true);
  const segment = view.getUint16(blockListAt + 10, true);
  if (count !== sectors - 1 || segment !== kernelSegment) {
    return unusable(
      `core.img's block list says ${count} sectors at segment 0x${segment.toString(16)}: no BIOS disk image of GRUB 2`,
    );
  }
  putUnsigned64(bytes, blockListAt, coreSector + 1);
  return { kind: "patched", bytes };
}

function putUnsigned64(bytes: Uint8Array, at: number, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

function unusable(reason: string): Patched {
  return { kind: "unusable", reason };
}
