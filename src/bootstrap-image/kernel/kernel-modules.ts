import { moduleName } from "../../core/modules/module-name.ts";

/** What a kernel module declares; names have underscores, as in the kernel. */
export type KernelModule = {
  readonly name: string;
  /** Below /lib/modules/VERSION, e.g. `kernel/drivers/net/virtio_net.ko`. */
  readonly path: string;
  readonly dependsOn: readonly string[];
  /** Modules to load before it although it uses none of their symbols, e.g. a hash that it requests by name. */
  readonly loadBefore: readonly string[];
  readonly aliases: readonly string[];
  /** Firmware files that it may request. */
  readonly firmware: readonly string[];
};

function splitWords(text: string, separator: RegExp): string[] {
  return text.split(separator).filter((word) => word !== "");
}

/**
 * Reads the lines of .modinfo (elf.ts). `softdep` is `pre: a b post: c` (modprobe.d(5)); the `post` modules are
 * omitted.
 */
export function readModule(path: string, info: readonly (readonly [string, string])[]): KernelModule {
  const all = (key: string) => info.filter(([each]) => each === key).map(([, value]) => value);
  const softDependencies = all("softdep").flatMap((text) =>
    splitWords(/pre:(.*?)(post:|$)/.exec(text)?.[1] ?? "", /\s+/),
  );
  return {
    name: moduleName(path),
    path,
    dependsOn: all("depends").flatMap((text) => splitWords(text, /,/).map(moduleName)),
    loadBefore: softDependencies.map(moduleName),
    aliases: all("alias"),
    firmware: all("firmware"),
  };
}

/** Source of modules: reads one by name; `builtIn` names are part of the kernel itself. */
export type ModuleSource = {
  readonly read: (name: string) => KernelModule | undefined;
  readonly builtIn: ReadonlySet<string>;
};

/**
 * The requested modules and all their dependencies, sorted by path. Throws for a module that is neither available nor
 * built in.
 */
export function withDependencies(names: readonly string[], source: ModuleSource): readonly KernelModule[] {
  const found = new Map<string, KernelModule>();
  function add(name: string, neededBy: string): void {
    if (found.has(name) || source.builtIn.has(name)) return;
    const module = source.read(name);
    if (module === undefined) throw new Error(`this kernel has no module ${name} (needed by ${neededBy})`);
    found.set(name, module);
    for (const each of module.dependsOn) add(each, name);
    // A soft dependency may be an alias, or missing in this kernel; then it is skipped.
    for (const each of module.loadBefore) if (source.read(each) !== undefined) add(each, name);
  }
  for (const name of names) add(name, "the table of driver families");
  return [...found.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** All modules to load before one, in depmod's order (last first), without the module itself. */
function loadOrder(module: KernelModule, byName: ReadonlyMap<string, KernelModule>): readonly KernelModule[] {
  const order: KernelModule[] = [];
  function visit(name: string): void {
    const each = byName.get(name);
    if (each === undefined || each === module || order.includes(each)) return;
    for (const next of [...each.dependsOn, ...each.loadBefore]) visit(next);
    order.push(each);
  }
  for (const name of [...module.loadBefore, ...module.dependsOn]) visit(name);
  return order.reverse();
}

/** modules.dep: lines `path: dependencies`, with the dependency to load first at the end (modules.dep(5)). */
export function dependencyFile(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const line = (module: KernelModule) =>
    [`${module.path}:`, ...loadOrder(module, byName).map(({ path }) => path)].join(" ");
  return modules.map((module) => `${line(module)}\n`).join("");
}

/** modules.alias: `alias PATTERN MODULE` lines, from which a device's modalias finds its driver. */
export function aliasFile(modules: readonly KernelModule[]): string {
  return modules.flatMap(({ name, aliases }) => aliases.map((alias) => `alias ${alias} ${name}\n`)).join("");
}
