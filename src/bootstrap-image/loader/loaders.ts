import { copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachineArchitecture } from "../../core/machine/architecture.ts";
import { diskListFile } from "../../core/pxe/script/ipxe.ts";
import { cached, keyOf } from "../cached.ts";
import { type Debian, packagesKey } from "../debian/packages.ts";
import { buildDiskList } from "./disk-list.ts";

/**
 * Debian's packages of boot loaders that firmware starts: iPXE, and the signed ones. They are unpacked, never installed,
 * because shim-signed would change this computer's own boot.
 */
export const loaderPackages: { readonly [A in MachineArchitecture]: readonly string[] } = {
  amd64: ["ipxe", "shim-signed", "grub-efi-amd64-signed"],
  arm64: ["ipxe"],
};

/**
 * The file name of each: iPXE for BIOS and for UEFI, shim with Microsoft's signature, GRUB for the network and GRUB for disks
 * with Debian's. For arm64, iPXE of Debian 13 has one file, with all of its drivers and the firmware's.
 */
const loadersOf: { readonly [A in MachineArchitecture]: { readonly [name: string]: string } } = {
  amd64: {
    "undionly.kpxe": "usr/lib/ipxe/undionly.kpxe",
    "snponly.efi": "usr/lib/ipxe/snponly.efi",
    "shimx64.efi": "usr/lib/shim/shimx64.efi.signed",
    "grubnetx64.efi": "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
    "grubx64.efi": "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
  },
  arm64: { "ipxe-arm64.efi": "usr/lib/ipxe/ipxe-arm64.efi" },
};

/** Writes the loaders into a directory, with the program that they start before a kernel; downloads packages that are not cached. */
export async function fetchLoaders(options: {
  readonly debian: Debian;
  readonly cacheDirectory: string;
  readonly outputDirectory: string;
}): Promise<void> {
  const { debian, cacheDirectory, outputDirectory } = options;
  const loaders = loadersOf[debian.architecture];
  const wanted = await debian.resolve(loaderPackages[debian.architecture]);
  const key = keyOf([packagesKey(wanted), JSON.stringify(loaders)]);
  const directory = await cached(cacheDirectory, `loaders-${key}`, async (draft) => {
    const tree = await mkdtemp(`${draft}-tree-`);
    try {
      await debian.unpack(wanted, tree);
      for (const [name, path] of Object.entries(loaders)) await copyFile(join(tree, path), join(draft, name));
    } finally {
      await rm(tree, { recursive: true, force: true });
    }
  });
  await mkdir(outputDirectory, { recursive: true });
  const files = Object.keys(loaders).map((name) => [name, join(directory, name)] as const);
  // The linker makes no such programs for arm64.
  if (debian.architecture === "amd64") files.push([diskListFile, await buildDiskList(cacheDirectory)]);
  for (const [name, path] of files) {
    await copyFile(path, join(outputDirectory, `${name}.new`));
    await rename(join(outputDirectory, `${name}.new`), join(outputDirectory, name));
  }
}
