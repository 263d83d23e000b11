import { onNewRoot, rootPaths } from "../install/paths.ts";
import type { Act } from "../install/step.ts";
import { orRestart, ownBoot } from "./esp-grub.ts";

/** A file on the Boot Server's HTTP port, and what it must be: its path and its lower-case SHA-512. */
export type RemoteFile = { readonly path: string; readonly sha512: string };

/** Debian's signed loaders for a disk: shim, which Microsoft signed, and the GRUB that shim trusts. */
export type SignedLoader = { readonly shim: RemoteFile; readonly grub: RemoteFile };

/** Where the Boot Server has them. Beside the root, where shim and GRUB for the network lie under the same names. */
export const signedLoaderPaths = { shim: "/disk/shimx64.efi", grub: "/disk/grubx64.efi" } as const;

/** Where init keeps them from before the old system is gone until there is an ESP: in memory. */
const fetched = { shim: "/tmp/signed-loader/shimx64.efi", grub: "/tmp/signed-loader/grubx64.efi" } as const;

/** Shim's path on the ESP, as the firmware spells it. */
export const signedLoaderFile = "\\EFI\\debian\\shimx64.efi";

/** Gets the loaders; nothing has been written to a disk yet. */
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
 * The loaders on the ESP: in GRUB's own directory (`/EFI/debian` is built into Debian's signed GRUB, grub.cfg is read
 * there wherever GRUB lies), and where firmware looks that has lost its variables. No fbx64.efi: it would put itself in front
 * of the network in BootOrder. No mmx64.efi: when a signature does not hold it waits for a person, without it shim ends with an error and the
 * firmware goes on (shim.c, init_grub).
 */
export const signedLoaderCopies: Extract<Act, { kind: "copyFiles" }> = {
  kind: "copyFiles",
  files: (
    [
      [fetched.shim, "/EFI/debian/shimx64.efi"],
      [fetched.grub, "/EFI/debian/grubx64.efi"],
      [fetched.shim, "/EFI/BOOT/BOOTX64.EFI"],
      [fetched.grub, "/EFI/BOOT/grubx64.efi"],
    ] as const
  ).map(([from, file]) => ({ from, to: onNewRoot(`${rootPaths.esp}${file}`), mode: 0o644 })),
};

/** GRUB's configuration on the ESP: constant, as what follows the kernel is birther-agent's grub.cfg on /boot. */
export const signedLoaderConfig: Extract<Act, { kind: "writeFiles" }> = {
  kind: "writeFiles",
  files: [
    {
      path: onNewRoot(`${rootPaths.esp}/EFI/debian/grub.cfg`),
      mode: 0o644,
      text: `${ownBoot}\nconfigfile $prefix/grub.cfg\n${orRestart}`,
    },
  ],
};
