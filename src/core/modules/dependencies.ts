/** The order in which modules are loaded, as modprobe(8) computes it, from the files that depmod(8) wrote. */
import { moduleName } from "./module-name.ts";

/** For each module name, its file and the files that must be loaded first, relative to the modules directory. */
export type Dependencies = {
  readonly [module: string]: { readonly file: string; readonly needs: readonly string[] };
};

export type LoadOrder = { readonly files: readonly string[]; readonly missing: readonly string[] };

/** Reads modules.dep: lines `FILE: NEEDED NEEDED…`, the deepest dependency last. */
export function readDependencies(text: string): Dependencies {
  const byName: { [module: string]: { file: string; needs: readonly string[] } } = {};
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const file = line.slice(0, colon);
    const needs = line
      .slice(colon + 1)
      .split(" ")
      .filter((needed) => needed !== "");
    byName[moduleName(file)] = { file, needs: [...needs].reverse() };
  }
  return byName;
}

/** Reads the names in modules.builtin; these modules need no loading. */
export function readBuiltins(text: string): ReadonlySet<string> {
  return new Set(
    text
      .split("\n")
      .filter((line) => line !== "")
      .map(moduleName),
  );
}

/**
 * Plans the files to load for these modules: each once, after its dependencies. Unknown names that are not built in are
 * reported.
 */
export function planModules(
  modules: readonly string[],
  dependencies: Dependencies,
  builtins: ReadonlySet<string>,
): LoadOrder {
  const files = new Set<string>();
  const missing: string[] = [];
  for (const each of modules) {
    const name = moduleName(each);
    const known = dependencies[name];
    if (known === undefined) {
      if (!builtins.has(name)) missing.push(name);
      continue;
    }
    for (const needed of known.needs) files.add(needed);
    files.add(known.file);
  }
  return { files: [...files], missing };
}
