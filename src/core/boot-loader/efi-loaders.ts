import { imagePaths } from "../install/paths.ts";
import type { MachineArchitecture } from "../machine/architecture.ts";

/**
 * Birther's GRUB for UEFI: its path in the Bootstrap Image, its name in its directory on the ESP, and the name by which
 * firmware without variables finds a loader (UEFI 2.10 §3.5.1.1).
 */
export const efiLoaders: {
  readonly [A in MachineArchitecture]: { readonly inImage: string; readonly name: string; readonly fallback: string };
} = {
  amd64: { inImage: imagePaths.grubEfi, name: "grubx64.efi", fallback: "BOOTX64.EFI" },
  arm64: { inImage: imagePaths.grubEfiArm64, name: "grubaa64.efi", fallback: "BOOTAA64.EFI" },
};
