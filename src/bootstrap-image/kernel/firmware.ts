import { readFile, realpath } from "node:fs/promises";
import { join, relative } from "node:path";
import {
  type FirmwareFamily,
  type FirmwareFamilyName,
  firmwareFamilies,
} from "../../core/bootstrap-image/firmware-families.ts";
import type { CpioEntry } from "../../core/bytes/cpio.ts";
import { imagePaths } from "../../core/install/paths.ts";
import { firmwarePackages } from "../debian/firmware-packages.ts";
import type { DebianRelease } from "../debian/releases.ts";
import { inTree } from "../debian/tree.ts";
import type { Kernel } from "./kernel.ts";
import { aliasFile, dependencyFile, type KernelModule } from "./kernel-modules.ts";

/** Where the kernel looks for firmware, and where init looks for what the image lacks. */
const firmwareDirectory = "usr/lib/firmware";
/** Says that the archive is there (core/install/paths.ts). */
const familiesPath = imagePaths.firmwareFamilies.slice(1);
/** Beside the modules' other indexes (core/hardware/missing-firmware.ts). */
const indexName = "modules.firmware";

/** The packages of families, each once. */
export function packagesOfFamilies(families: readonly FirmwareFamilyName[], release: DebianRelease): readonly string[] {
  return [...new Set(families.map((family) => firmwarePackages[family][release]))].sort();
}

/** What init knows of firmware that is not there: which devices, files and drivers belong to which family that is left out. */
export function firmwareIndex(
  { modules, familyModules }: Pick<Kernel, "modules" | "familyModules">,
  included: readonly FirmwareFamilyName[],
): string {
  const inImage = new Set(modules.map(({ name }) => name));
  const leftOut: readonly FirmwareFamily[] = firmwareFamilies.filter(({ family }) => !included.includes(family));
  return leftOut
    .flatMap(({ family, modules: names }) => {
      const drivers = familyModules.filter(({ name }) => names.includes(name));
      return drivers.flatMap((driver) => [
        ...(inImage.has(driver.name) ? [] : driver.aliases.map((alias) => `alias ${alias} ${family}\n`)),
        ...driver.firmware.map((file) => `file ${file} ${family}\n`),
        `driver ${driver.name} ${family}\n`,
      ]);
    })
    .join("");
}

/** The index as a file of the image. */
export function indexEntry(
  kernel: Pick<Kernel, "version" | "modules" | "familyModules">,
  included: readonly FirmwareFamilyName[],
): CpioEntry {
  const bytes = Buffer.from(firmwareIndex(kernel, included));
  return { kind: "file", path: `usr/lib/modules/${kernel.version}/${indexName}`, mode: 0o644, bytes };
}

/** The files of the second archive, each with the family that it is counted under. */
export type FirmwareFiles = readonly { readonly entry: CpioEntry; readonly family: string }[];

/**
 * The second archive: firmware and drivers of families, and the indexes of all modules then, which replace those of the image.
 * `tree` holds the unpacked packages. Throws for a family of which the kernel has no driver or the packages no file.
 */
export async function firmwareFiles(
  kernel: Kernel,
  included: readonly FirmwareFamilyName[],
  tree: string,
): Promise<FirmwareFiles> {
  const base = new Set(kernel.modules.map(({ name }) => name));
  const added = new Map<string, KernelModule>();
  const files = new Map<string, { readonly entry: CpioEntry; readonly family: string }>();
  const root = `usr/lib/modules/${kernel.version}`;
  for (const each of firmwareFamilies.filter(({ family }) => included.includes(family))) {
    const own = modulesOf(each, kernel);
    for (const module of own.filter(({ name }) => !base.has(name) && !added.has(name))) {
      added.set(module.name, module);
      const path = `${root}/${module.path}`;
      const bytes = await kernel.readFamilyModule(module);
      files.set(path, { family: each.family, entry: { kind: "file", path, mode: 0o644, bytes } });
    }
    const entries = await firmwareOf(own, tree);
    if (entries.length === 0)
      throw new Error(`bootstrapImage.firmware: expected files of ${each.family} in Debian's packages, found none`);
    for (const entry of entries) if (!files.has(entry.path)) files.set(entry.path, { family: each.family, entry });
  }
  const all = [...kernel.modules, ...added.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
  const list = `${included.join(" ")}\n`;
  const index = (name: string, text: string) => ({
    family: "indexes",
    entry: { kind: "file", path: `${root}/${name}`, mode: 0o644, bytes: Buffer.from(text) } as const,
  });
  return [
    ...files.values(),
    index("modules.dep", dependencyFile(all)),
    index("modules.alias", aliasFile(all)),
    { family: "indexes", entry: indexEntry(kernel, included) },
    { family: "indexes", entry: { kind: "file", path: familiesPath, mode: 0o644, bytes: Buffer.from(list) } },
  ];
}

/** The modules of a family with their dependencies. */
function modulesOf(
  { family, modules }: Pick<FirmwareFamily, "family" | "modules">,
  { familyModules, version }: Kernel,
): readonly KernelModule[] {
  const byName = new Map(familyModules.map((module) => [module.name, module]));
  const found = new Map<string, KernelModule>();
  const add = (name: string): void => {
    const module = byName.get(name);
    if (module === undefined || found.has(name)) return;
    found.set(name, module);
    for (const next of [...module.dependsOn, ...module.loadBefore]) add(next);
  };
  for (const name of modules) add(name);
  if (found.size === 0)
    throw new Error(`bootstrapImage.firmware: expected a driver of ${family} in Linux ${version}, found none`);
  return [...found.values()];
}

/**
 * The files that modules may ask for, as far as the packages have them (older names are often missing). Debian's packages
 * have links among them: each content is in the archive once, and links lead to it.
 */
async function firmwareOf(modules: readonly KernelModule[], tree: string): Promise<readonly CpioEntry[]> {
  const root = await realpath(inTree(tree, firmwareDirectory));
  const entries = new Map<string, CpioEntry>();
  for (const name of new Set(modules.flatMap(({ firmware }) => firmware))) {
    const target = await realpath(join(root, name)).catch(() => undefined);
    if (target === undefined) continue;
    const at = relative(root, target);
    if (at.startsWith(".."))
      throw new Error(`${name}: expected a file of Debian's firmware, found a link to ${target}`);
    const path = `${firmwareDirectory}/${at}`;
    if (!entries.has(path)) entries.set(path, { kind: "file", path, mode: 0o644, bytes: await readFile(target) });
    const asked = `${firmwareDirectory}/${name}`;
    if (asked !== path) entries.set(asked, { kind: "link", path: asked, target: `/${path}` });
  }
  return [...entries.values()];
}
