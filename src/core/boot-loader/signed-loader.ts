import { onNewRoot } from "../install/paths.ts";
import type { Act } from "../install/step.ts";
import { orRestart, ownBoot } from "./esp-grub.ts";

/** A file on the Boot Server's HTTP port: its path, and its SHA-512 in lower-case hex. */
export type RemoteFile = { readonly path: string; readonly sha512: string };

/** Debian's signed loaders for a disk: shim, signed by Microsoft, and the GRUB that shim trusts. */
export type SignedLoader = { readonly shim: RemoteFile; readonly grub: RemoteFile };

/** Their paths on the Boot Server. Not at the root, where shim and GRUB for network boot have the same names. */
export const signedLoaderPaths = { shim: "/disk/shimx64.efi", grub: "/disk/grubx64.efi" } as const;

/** Where init keeps them, in memory, until the ESP exists. */
const fetched = { shim: "/tmp/signed-loader/shimx64.efi", grub: "/tmp/signed-loader/grubx64.efi" } as const;

/** The path of shim on the ESP, in the firmware's notation. */
export const signedLoaderFile = "\\EFI\\debian\\shimx64.efi";

/** Fetches the loaders before anything is written to a disk. */
export function fetchSignedLoader({ shim, grub }: SignedLoader): Act {
  return {
    kind: "fetchFiles",
    files: [
      { ...shim, to: fetched.shim },
      { ...grub, to: fetched.grub },
    ],
  };
}

/**
 * Puts the loaders on the ESP: in GRUB's own directory (`/EFI/debian` is built into Debian's signed GRUB, which reads
 * grub.cfg there wherever GRUB itself is), and at the fallback path for firmware that has lost its variables. fbx64.efi
 * is left out, because it would put itself before the network in BootOrder. mmx64.efi is left out, because after an
 * invalid signature it waits for a person; without it, shim ends with an error and the firmware continues (shim.c,
 * init_grub).
 */
export function signedLoaderCopies(esp: string): Extract<Act, { kind: "copyFiles" }> {
  const files = (
    [
      [fetched.shim, "/EFI/debian/shimx64.efi"],
      [fetched.grub, "/EFI/debian/grubx64.efi"],
      [fetched.shim, "/EFI/BOOT/BOOTX64.EFI"],
      [fetched.grub, "/EFI/BOOT/grubx64.efi"],
    ] as const
  ).map(([from, file]) => ({ from, to: onNewRoot(`${esp}${file}`), mode: 0o644 }));
  return { kind: "copyFiles", files };
}

/** grub.cfg on the ESP, with one of the ways to the boot partition. */
export function signedLoaderText(boot: string): string {
  return `${boot}\nconfigfile $prefix/grub.cfg\n${orRestart}`;
}

/**
 * The configuration of GRUB on the ESP. It is constant: birther-agent writes the part that depends on the kernel to
 * grub.cfg on the boot partition.
 */
export function signedLoaderConfig(esp: string): Extract<Act, { kind: "writeFiles" }> {
  const path = onNewRoot(`${esp}/EFI/debian/grub.cfg`);
  return { kind: "writeFiles", files: [{ path, mode: 0o644, text: signedLoaderText(ownBoot) }] };
}
