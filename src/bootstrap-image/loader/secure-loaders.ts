import { copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../core/ports.ts";
import { cached } from "../cached.ts";
import { packagesKey, resolvePackages, unpackPackages } from "../debian.ts";

/**
 * Debian's packages of signed loaders. They are unpacked, never installed, because shim-signed would change this
 * computer's own boot.
 */
export const signedLoaderPackages = ["shim-signed", "grub-efi-amd64-signed"] as const;

/** The file name of each: shim with Microsoft's signature, GRUB for the network and GRUB for disks with Debian's. */
const loaders = {
  "shimx64.efi": "usr/lib/shim/shimx64.efi.signed",
  "grubnetx64.efi": "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
  "grubx64.efi": "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
} as const;

/**
 * Writes the loaders that firmware starts under Secure Boot into a directory; downloads packages that are not cached.
 */
export async function fetchSecureLoaders(options: {
  readonly cacheDirectory: string;
  readonly outputDirectory: string;
  readonly log: Log;
}): Promise<void> {
  const { cacheDirectory, outputDirectory, log } = options;
  const wanted = await resolvePackages(signedLoaderPackages);
  const directory = await cached(cacheDirectory, `secure-loaders-${packagesKey(wanted)}`, async (draft) => {
    const tree = await mkdtemp(`${draft}-tree-`);
    try {
      await unpackPackages(wanted, tree, { cacheDirectory, log });
      for (const [name, path] of Object.entries(loaders)) await copyFile(join(tree, path), join(draft, name));
    } finally {
      await rm(tree, { recursive: true, force: true });
    }
  });
  await mkdir(outputDirectory, { recursive: true });
  for (const name of Object.keys(loaders)) {
    await copyFile(join(directory, name), join(outputDirectory, `${name}.new`));
    await rename(join(outputDirectory, `${name}.new`), join(outputDirectory, name));
  }
}
