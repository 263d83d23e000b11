/**
 * Paths in the Bootstrap Image and on the new root. Paths on the new root are written as the booted machine sees them;
 * `onNewRoot` prepends the mount point.
 */

/** Where the new root file system is mounted during the birth. */
export const newRoot = "/mnt";

/** The path of a file on the new root, as seen from the Bootstrap Image. */
export function onNewRoot(path: string): string {
  return path === "/" ? newRoot : `${newRoot}${path}`;
}

/** In the Bootstrap Image. */
export const imagePaths = {
  native: "/usr/lib/birther/birther-js",
  watchdogScript: "/usr/lib/birther/watchdog.js",
  agentScript: "/usr/lib/birther/agent.js",
  caCertificate: "/etc/birther/ca.pem",
  grubBoot: "/usr/lib/birther/grub/boot.img",
  grubCore: "/usr/lib/birther/grub/core.img",
  grubEfi: "/usr/lib/birther/grub/bootx64.efi",
  /** In the image for arm64, which has no other. */
  grubEfiArm64: "/usr/lib/birther/grub/bootaa64.efi",
  /** The same with the module `tpm`; absent in the signed image, whose only one has it. */
  grubEfiMeasuring: "/usr/lib/birther/grub/bootx64-tpm.efi",
  cryptsetup: "/usr/sbin/cryptsetup",
  /** The firmware families of the second archive, in one line; only there with that archive. */
  firmwareFamilies: "/usr/lib/birther/firmware-families",
} as const;

/** On the new root. */
export const rootPaths = {
  agent: "/usr/local/sbin/birther-agent",
  agentScript: "/usr/local/lib/birther/agent.js",
  unlock: "/usr/local/lib/birther/unlock",
  caCertificate: "/etc/birther/ca.pem",
  subSettings: "/etc/birther/sub.json",
  /** What the system opens and mounts at its start (core/install/machine-volumes.ts). */
  volumes: "/etc/birther/volumes.json",
  volumeKeys: "/etc/birther/volumes",
  /** Where the boot partition is mounted; its content is derived from /boot (core/image/boot). */
  bootPartition: "/var/lib/birther/boot",
  esp: "/boot/efi",
  /** Those of the second disk of a mirrored root. */
  mirrorBootPartition: "/var/lib/birther/boot-2",
  mirrorEsp: "/var/lib/birther/esp-2",
} as const;

/** The device-mapper name of the unlocked root; its device is `/dev/mapper/` and the name. */
export const rootMapperName = "birther-root";

/** The array of a mirrored root. Its device is `/dev/` and the name. */
export const rootArrayName = "md127";

/** A file to write: its path on the new root, its mode and its text. */
export type HostFile = { readonly path: string; readonly mode: number; readonly text: string };
