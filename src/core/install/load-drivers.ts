import type { Firmware } from "../machine/record.ts";
import { type Step, step } from "./step.ts";

/**
 * The modules that mount and dm-crypt would request from modprobe, which is not in the image: file systems, FAT's code pages
 * (CONFIG_FAT_DEFAULT_*), and the parts of "xts(aes)".
 */
export function loadDrivers(firmware: Firmware, encrypted: boolean, mirrored = false): Step {
  const modules = ["ext4"];
  if (firmware === "uefi") modules.push("vfat", "nls_cp437", "nls_ascii");
  if (encrypted) modules.push("dm_mod", "dm_crypt", "aes_generic", "ecb", "xts");
  if (mirrored) modules.push("md_mod", "raid1");
  return step("fileSystemDrivers", 60, { kind: "loadModules", modules });
}
