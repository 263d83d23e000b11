import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CpioEntry } from "../../core/bytes/cpio.ts";
import { moduleName } from "../../core/modules/module-name.ts";
import type { Log } from "../../core/ports.ts";
import { cached, keyOf } from "../cached.ts";
import { type DebianPackage, dependencyOf, packagesKey, resolvePackages, unpackPackages } from "../debian.ts";
import { kernelMetaPackage } from "../packages.ts";
import { moduleInfo } from "../program/elf.ts";
import { driverFamilies } from "./driver-families.ts";
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
};

/** Opens the module tree of an unpacked kernel package; finds modules by name and reads each once. */
async function openModules(root: string) {
  const paths = new Map<string, string>();
  for (const path of await readdir(root, { recursive: true })) {
    if (path.endsWith(".ko")) paths.set(moduleName(path), path);
  }
  const builtInList = await readFile(join(root, "modules.builtin"), "utf8");
  return { paths, builtIn: new Set(builtInList.split("\n").map(moduleName)) };
}

async function chooseModules(root: string): Promise<readonly KernelModule[]> {
  const { paths, builtIn } = await openModules(root);
  const known = new Map<string, KernelModule>();
  // withDependencies is pure and looks modules up by name, so all modules that it may need are read beforehand.
  const waiting: string[] = driverFamilies.flatMap(({ modules }) => [...modules]);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const path = paths.get(name);
    if (path === undefined || known.has(name)) continue;
    const module = readModule(path, moduleInfo(await readFile(join(root, path))));
    known.set(name, module);
    waiting.push(...module.dependsOn, ...module.loadBefore);
  }
  const names = driverFamilies.flatMap(({ modules }) => [...modules]);
  return withDependencies(names, { read: (name) => known.get(name), builtIn });
}

/** Copies from the unpacked package (400 MB) what the image needs: kernel, chosen modules, their indexes. */
async function pickFiles(tree: string, target: string): Promise<void> {
  const [version] = await readdir(join(tree, "lib/modules"));
  if (version === undefined) throw new Error("kernel package: expected a directory below lib/modules, found none");
  const root = join(tree, "lib/modules", version);
  const modules = await chooseModules(root);
  const kept = join(target, "modules");
  for (const { path } of modules) {
    await mkdir(join(kept, dirname(path)), { recursive: true });
    await copyFile(join(root, path), join(kept, path));
  }
  await cp(join(root, "modules.builtin"), join(kept, "modules.builtin"));
  await writeFile(join(kept, "modules.dep"), dependencyFile(modules));
  await writeFile(join(kept, "modules.alias"), aliasFile(modules));
  await copyFile(join(tree, "boot", `vmlinuz-${version}`), join(target, "vmlinuz"));
  const firmware = modules.map(({ name, firmware: files }) => ({ module: name, files }));
  const description = { version, firmware: firmware.filter(({ files }) => files.length > 0) };
  await writeFile(join(target, "kernel.json"), JSON.stringify(description));
}

/** Downloads the current kernel package and copies the image's part; the result is cached by package and table. */
export async function fetchKernel({ cacheDirectory, log }: { cacheDirectory: string; log: Log }): Promise<Kernel> {
  const packages = await resolvePackages([await dependencyOf(kernelMetaPackage)]);
  const sources = ["kernel.ts", "kernel-modules.ts", "../program/elf.ts"].map((name) =>
    readFile(join(import.meta.dirname, name)),
  );
  const key = keyOf([packagesKey(packages), JSON.stringify(driverFamilies), ...(await Promise.all(sources))]);
  const directory = await cached(cacheDirectory, `kernel-${key}`, async (draft) => {
    const tree = await mkdtemp(`${draft}-tree-`);
    try {
      log("info", "fetching the kernel", { package: packages[0]?.file });
      await unpackPackages(packages, tree, { cacheDirectory, log });
      await pickFiles(tree, draft);
    } finally {
      await rm(tree, { recursive: true, force: true });
    }
  });
  const { version, firmware } = JSON.parse(await readFile(join(directory, "kernel.json"), "utf8"));
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
  return { version, path: join(directory, "vmlinuz"), packages, moduleEntries, firmware };
}
