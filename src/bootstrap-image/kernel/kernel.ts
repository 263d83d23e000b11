import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { firmwareFamilies } from "../../core/bootstrap-image/firmware-families.ts";
import { defaultProfile, type ImageProfile } from "../../core/bootstrap-image/image-profile.ts";
import type { CpioEntry } from "../../core/bytes/cpio.ts";
import { moduleName } from "../../core/modules/module-name.ts";
import type { Log } from "../../core/ports.ts";
import { cached, keyOf } from "../cached.ts";
import { runCommand } from "../command.ts";
import { type Debian, type DebianPackage, packagesKey } from "../debian/packages.ts";
import { inTree } from "../debian/tree.ts";
import { moduleInfo } from "../program/elf.ts";
import { type DriverFamily, familiesOf } from "./driver-families.ts";
import { aliasFile, dependencyFile, type KernelModule, readModule, withDependencies } from "./kernel-modules.ts";

/**
 * Debian's kernel with the modules of the image. `firmware` lists the files that they may request and that the image
 * omits.
 */
export type Kernel = {
  readonly version: string;
  readonly path: string;
  readonly packages: readonly DebianPackage[];
  readonly moduleEntries: readonly CpioEntry[];
  readonly firmware: readonly { readonly module: string; readonly files: readonly string[] }[];
  /** The modules of the image, and all that the firmware families need, with those that both have. */
  readonly modules: readonly KernelModule[];
  readonly familyModules: readonly KernelModule[];
  /** The bytes of a module of a firmware family. */
  readonly readFamilyModule: (module: KernelModule) => Promise<Buffer>;
};

/** Debian compresses modules since release 13. */
const compressed = /\.xz$/;

/** A module as the kernel loads it: the image's archives are compressed as a whole, which makes them smaller. */
function readModuleFile(path: string): Promise<Buffer> {
  return compressed.test(path) ? runCommand(["xz", "--decompress", "--stdout", path]) : readFile(path);
}

/** A module with its bytes. */
type ModuleFile = { readonly module: KernelModule; readonly bytes: Buffer };

/** Opens the module tree of an unpacked kernel package; finds modules by name and reads each once. */
async function openModules(root: string) {
  const paths = new Map<string, string>();
  for (const path of await readdir(root, { recursive: true })) {
    const plain = path.replace(compressed, "");
    if (plain.endsWith(".ko")) paths.set(moduleName(plain), path);
  }
  const builtInList = await readFile(join(root, "modules.builtin"), "utf8");
  return { paths, builtIn: new Set(builtInList.split("\n").map(moduleName)) };
}

/** The modules of the image, and those of the firmware families. */
async function chooseModules(
  root: string,
  table: readonly DriverFamily[],
): Promise<{ readonly base: readonly ModuleFile[]; readonly families: readonly ModuleFile[] }> {
  const { paths, builtIn } = await openModules(root);
  const known = new Map<string, ModuleFile>();
  const firmwareModules: readonly string[] = firmwareFamilies.flatMap(({ modules }) => [...modules]);
  // withDependencies is pure and looks modules up by name, so all modules that it may need are read beforehand.
  const waiting: string[] = [...table.flatMap(({ modules }) => [...modules]), ...firmwareModules];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const path = paths.get(name);
    if (path === undefined || known.has(name)) continue;
    const bytes = await readModuleFile(join(root, path));
    const module = readModule(path.replace(compressed, ""), moduleInfo(bytes));
    known.set(name, { module, bytes });
    waiting.push(...module.dependsOn, ...module.loadBefore);
  }
  const names = table.flatMap((family) =>
    family.modules.filter((name) => known.has(name) || builtIn.has(name) || family.laterBuiltIn !== true),
  );
  const source = { read: (name: string) => known.get(name)?.module, builtIn };
  const filesOf = (chosen: readonly KernelModule[]) => chosen.flatMap(({ name }) => known.get(name) ?? []);
  // Kernels drop old drivers: a family without one of its modules is refused when it is asked for (firmware.ts).
  const present = firmwareModules.filter((name) => known.has(name));
  return { base: filesOf(withDependencies(names, source)), families: filesOf(withDependencies(present, source)) };
}

/** Copies from the unpacked package (400 MB) what the image needs: kernel, chosen modules, their indexes. */
async function pickFiles(tree: string, target: string, table: readonly DriverFamily[]): Promise<void> {
  const home = inTree(tree, "usr/lib/modules");
  const [version] = await readdir(home);
  if (version === undefined) throw new Error("kernel package: expected a directory below lib/modules, found none");
  const root = join(home, version);
  const { base, families } = await chooseModules(root, table);
  const modules = base.map(({ module }) => module);
  const kept = join(target, "modules");
  await writeModules(base, kept);
  await writeModules(families, join(target, "family-modules"));
  await cp(join(root, "modules.builtin"), join(kept, "modules.builtin"));
  await writeFile(join(kept, "modules.dep"), dependencyFile(modules));
  await writeFile(join(kept, "modules.alias"), aliasFile(modules));
  // Linux 7 of Debian lies beside its modules.
  const boot = join(tree, "boot", `vmlinuz-${version}`);
  await copyFile(existsSync(boot) ? boot : join(root, "vmlinuz"), join(target, "vmlinuz"));
  const firmware = modules.map(({ name, firmware: wanted }) => ({ module: name, files: wanted }));
  const description = { version, firmware: firmware.filter(({ files: wanted }) => wanted.length > 0) };
  const familyModules = families.map(({ module }) => module);
  await writeFile(join(target, "kernel.json"), JSON.stringify({ ...description, modules, familyModules }));
}

async function writeModules(files: readonly ModuleFile[], directory: string): Promise<void> {
  for (const { module, bytes } of files) {
    await mkdir(join(directory, dirname(module.path)), { recursive: true });
    await writeFile(join(directory, module.path), bytes);
  }
}

/** Downloads the suite's kernel package and copies the image's part; the result is cached by package and table. */
export async function fetchKernel(of: {
  readonly debian: Debian;
  readonly profile?: ImageProfile;
  readonly cacheDirectory: string;
  readonly log: Log;
}): Promise<Kernel> {
  const { debian, profile = defaultProfile, cacheDirectory, log } = of;
  const packages = await debian.kernel();
  const table = familiesOf(debian.architecture, profile);
  const sources = ["kernel.ts", "kernel-modules.ts", "../program/elf.ts"].map((name) =>
    readFile(join(import.meta.dirname, name)),
  );
  const tables = JSON.stringify([table, firmwareFamilies]);
  const key = keyOf([packagesKey(packages), tables, ...(await Promise.all(sources))]);
  const directory = await cached(cacheDirectory, `kernel-${key}`, async (draft) => {
    const tree = await mkdtemp(`${draft}-tree-`);
    try {
      log("info", "fetching the kernel", { package: packages[0]?.file });
      await debian.unpack(packages, tree);
      await pickFiles(tree, draft, table);
    } finally {
      await rm(tree, { recursive: true, force: true });
    }
  });
  const { version, firmware, modules, familyModules } = JSON.parse(
    await readFile(join(directory, "kernel.json"), "utf8"),
  );
  const files = (await readdir(join(directory, "modules"), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const moduleEntries = await Promise.all(
    files.map(async ({ parentPath, name }): Promise<CpioEntry> => {
      const path = join(parentPath, name).slice(join(directory, "modules").length + 1);
      const bytes = await readFile(join(parentPath, name));
      return { kind: "file", path: `usr/lib/modules/${version}/${path}`, mode: 0o644, bytes };
    }),
  );
  return {
    ...{ version, path: join(directory, "vmlinuz"), packages, moduleEntries, firmware, modules, familyModules },
    readFamilyModule: ({ path }) => readFile(join(directory, "family-modules", path)),
  };
}
