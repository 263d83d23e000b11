/** In which order modules are loaded: what modprobe(8) does, as pure functions over the texts that depmod(8) wrote. */
import { moduleName } from "./module-name.ts";

/** Module name → its file and the files it needs loaded before it; all relative to the modules directory. */
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

/** The names in modules.builtin, which need no loading. */
export function readBuiltins(text: string): ReadonlySet<string> {
  return new Set(
    text
      .split("\n")
      .filter((line) => line !== "")
      .map(moduleName),
  );
}

/** The files to load for these modules, each once and after what it needs. Unknown names that are not built in are told. */
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
