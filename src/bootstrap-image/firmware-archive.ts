import { rename, rm, writeFile } from "node:fs/promises";
import type { FirmwareFamilyName } from "../core/bootstrap-image/firmware-families.ts";
import type { Log } from "../core/ports.ts";
import { compressedArchive, type PackedArchive } from "./archive.ts";
import { cached } from "./cached.ts";
import { type Debian, type DebianPackage, packagesKey } from "./debian/packages.ts";
import { firmwareFiles, packagesOfFamilies } from "./kernel/firmware.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { targets } from "./target.ts";

/** The second archive of an image, and the packages whose files are in it. */
export type FirmwareArchive = PackedArchive & { readonly packages: readonly DebianPackage[] };

/**
 * Packs firmware and drivers of families as an archive that the kernel unpacks after the initramfs; undefined without
 * families. Throws if a family has no driver in this kernel, or no file in Debian's packages.
 */
export async function buildFirmwareArchive(
  kernel: Kernel,
  families: readonly FirmwareFamilyName[],
  of: { readonly debian: Debian; readonly cacheDirectory: string; readonly log: Log },
): Promise<FirmwareArchive | undefined> {
  if (families.length === 0) return undefined;
  const { debian, cacheDirectory } = of;
  const packages = await debian.firmware.resolve(packagesOfFamilies(families, debian.release));
  const tree = await cached(cacheDirectory, `firmware-tree-${packagesKey(packages)}`, (draft) =>
    debian.firmware.unpack(packages, draft),
  );
  const files = await firmwareFiles(kernel, families, tree);
  const familyOf = new Map(files.map(({ entry, family }) => [entry.path, family]));
  const plan = {
    ...{ name: "firmware", entries: files.map(({ entry }) => entry), linkedCode: false },
    componentOf: (path: string) => familyOf.get(path) ?? "indexes",
  };
  return { ...(await compressedArchive(plan, { ...of, target: targets[debian.architecture] })), packages };
}

/** Writes the archive, or removes that of an earlier build. */
export async function writeFirmwareArchive(path: string, archive: PackedArchive | undefined): Promise<void> {
  if (archive === undefined) return await rm(path, { force: true });
  await writeFile(`${path}.new`, archive.bytes);
  await rename(`${path}.new`, path);
}
