/**
 * The boot script for Secure Boot: Debian's signed GRUB (2.06) instead of iPXE, which no firmware trusts.
 * The signed binary contains all modules that GRUB may use and loads no others; it has no module for HTTP. So it fetches
 * everything by TFTP from the server that sent GRUB, which a path without a device means.
 */
import { type BootOrder, harmless, imagePaths, kernelParameters, type ScriptPlan, waitSeconds } from "./ipxe.ts";

/** Where Debian's netboot GRUB looks for its configuration. */
export const grubConfigPath = "grub/grub.cfg";

/** GRUB's name under which shim asks for it, beside itself. */
export const grubFile = "grubx64.efi";

/**
 * The configuration of every GRUB: fetch the script of its machine and, when that script ends, fetch it again.
 * `source` returns; `configfile` would nest. GRUB takes its address from the firmware's DHCP.
 */
export const grubConfig = lines([
  "while true; do",
  "  if source /boot/$net_default_mac.grub; then sleep 1; else",
  "    echo Birther: no boot script; retrying",
  "    sleep 10",
  "    reboot",
  "  fi",
  "done",
]);

/**
 * Sends the machine to its disk. GRUB can exit only successfully, which opens the firmware's menu (netboot.md §2.1), so it
 * starts the disk's loader itself; without one it restarts, and DHCP then sends the machine to its disk.
 */
export function writeGrubLocalScript(): string {
  const starts = ["/EFI/birther/shimx64.efi", "/EFI/debian/shimx64.efi", "/EFI/BOOT/BOOTX64.EFI"].flatMap((file) => [
    `if search --no-floppy --set=esp --file ${file}; then`,
    `  if chainloader ($esp)${file}; then boot; fi`,
    "fi",
  ]);
  return lines([...starts, "echo Birther: no loader on the disks of this machine; restarting", "sleep 10", "reboot"]);
}

/** Shows the reason and waits; the calling configuration then fetches the script again. */
export function writeGrubWaitScript(plan: ScriptPlan & { kind: "wait" }): string {
  return lines([
    `echo "Birther: ${harmless(plan.message)}"`,
    `echo "Next: ${harmless(plan.next)}"`,
    `sleep ${waitSeconds}`,
  ]);
}

/**
 * Starts the Bootstrap Image, whose kernel is Debian's and signed; shim checks it. A failure leads to a restart. There is no
 * `initrd=`: GRUB passes the initramfs itself, and the EFI stub would look for a file of that name.
 */
export function writeGrubInstallScript(
  boot: BootOrder,
  paths: { readonly initramfs: string; readonly firmware: string } = imagePaths,
): string {
  const archives = boot.withFirmware === true ? `${paths.initramfs} ${paths.firmware}` : paths.initramfs;
  return lines([
    "echo Birther: fetching kernel and initramfs",
    `if linux ${imagePaths.kernel} ${kernelParameters(boot).join(" ")}; then`,
    `  if initrd ${archives}; then boot; fi`,
    "fi",
    "echo Birther: the Bootstrap Image could not be started; retrying",
    "sleep 10",
    "reboot",
  ]);
}

function lines(text: readonly string[]): string {
  return `${text.join("\n")}\n`;
}
