/**
 * The kernel's name of a module, from a name or a file: without directory and `.ko` or `.ko.xz`, and with `_` instead
 * of `-`, which the kernel treats as equal.
 */
export function moduleName(text: string): string {
  return text
    .slice(text.lastIndexOf("/") + 1)
    .replace(/\.ko(\.(xz|zst|gz))?$/, "")
    .replace(/-/g, "_");
}
