/** The name the kernel knows a module by, from a name or a file: no directory, no `.ko` or `.ko.xz`, and `_` for `-`, which it takes for the same. */
export function moduleName(text: string): string {
  return text
    .slice(text.lastIndexOf("/") + 1)
    .replace(/\.ko(\.(xz|zst|gz))?$/, "")
    .replace(/-/g, "_");
}
