/**
 * The module files to load for the wanted modules, dependencies first, each once, as relative paths of modules.dep
 * (format: `path: dependency dependency …`, modules.dep(5), where all indirect dependencies are listed, the last to be loaded first).
 * Names that modules.dep does not hold (built in, or not made for this kernel) are left out. `-` and `_` are the same in a name.
 */
export function moduleLoadOrder(modulesDep: string, wanted: readonly string[]): readonly string[] {
  const rows = new Map<string, { readonly path: string; readonly needs: readonly string[] }>();
  for (const line of modulesDep.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const path = line.slice(0, colon);
    const needs = line
      .slice(colon + 1)
      .split(" ")
      .filter((part) => part !== "");
    rows.set(moduleName(path), { path, needs });
  }
  const order = new Set<string>();
  for (const name of wanted) {
    const row = rows.get(name.replace(/-/g, "_"));
    if (row === undefined) continue;
    for (const need of [...row.needs].reverse()) order.add(need);
    order.add(row.path);
  }
  return [...order];
}

/** The name the kernel knows a module file by: no directory, no `.ko`, `.ko.xz`, `.ko.zst`, and `_` for `-`. */
function moduleName(path: string): string {
  return path
    .slice(path.lastIndexOf("/") + 1)
    .replace(/\.ko(\.\w+)?$/, "")
    .replace(/-/g, "_");
}
