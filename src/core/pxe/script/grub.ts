/**
 * The boot script's twin for Secure Boot: Debian's signed GRUB (2.06) in the place of iPXE, which no firmware trusts.
 * Everything GRUB may use is inside its signed binary; it loads no module from anywhere else, and there is none for HTTP
 * in it. So all is fetched by TFTP, from the server that sent GRUB: a path without a device means that.
 */
import { type BootOrder, harmless, imagePaths, kernelParameters, type ScriptPlan, waitSeconds } from "./ipxe.ts";

/** Where Debian's netboot GRUB looks for its configuration. */
export const grubConfigPath = "grub/grub.cfg";

/** GRUB's name under which shim asks for it, beside itself. */
export const grubFile = "grubx64.efi";

/**
 * What every GRUB is told: to fetch the script made for its machine and, when that script comes to its end, again.
 * `source` comes back, `configfile` would nest. GRUB has its address from the firmware's DHCP.
 */
export const grubConfig = lines([
  "while true; do",
  "  if source /boot/$net_default_mac.grub; then sleep 1; else",
  "    echo Birther: no boot script; trying again",
  "    sleep 10",
  "    reboot",
  "  fi",
  "done",
]);

/**
 * Sends the machine to its own disk. GRUB can only leave with success, which opens the firmware's menu (netboot.md §2.1),
 * so it starts the disk's loader itself; where there is none it restarts, and DHCP then sends the machine on.
 */
export function writeGrubLocalScript(): string {
  const starts = ["/EFI/birther/shimx64.efi", "/EFI/debian/shimx64.efi", "/EFI/BOOT/BOOTX64.EFI"].flatMap((file) => [
    `if search --no-floppy --set=esp --file ${file}; then`,
    `  if chainloader ($esp)${file}; then boot; fi`,
    "fi",
  ]);
  return lines([...starts, "echo Birther: no loader on the disks of this machine; restarting", "sleep 10", "reboot"]);
}

/** Shows why nothing happens and waits; the configuration that called it asks again. */
export function writeGrubWaitScript(plan: ScriptPlan & { kind: "wait" }): string {
  return lines([
    `echo "Birther: ${harmless(plan.message)}"`,
    `echo "Next: ${harmless(plan.next)}"`,
    `sleep ${waitSeconds}`,
  ]);
}

/**
 * Starts the Bootstrap Image, whose kernel is Debian's and signed; shim checks it. What fails leads to a restart. Without
 * `initrd=`: GRUB hands the initramfs over itself, and the EFI stub would look for a file of that name.
 */
export function writeGrubInstallScript(boot: BootOrder, initramfs: string = imagePaths.initramfs): string {
  return lines([
    "echo Birther: fetching kernel and initramfs",
    `if linux ${imagePaths.kernel} ${kernelParameters(boot).join(" ")}; then`,
    `  if initrd ${initramfs}; then boot; fi`,
    "fi",
    "echo Birther: the Bootstrap Image could not be started; trying again",
    "sleep 10",
    "reboot",
  ]);
}

function lines(text: readonly string[]): string {
  return `${text.join("\n")}\n`;
}
