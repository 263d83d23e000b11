/** The path of a request's target, with runs of slashes made one: shim asks for `//grubx64.efi` and must not be redirected (netboot.md §2.4). */
export function pathOf(target: string): string {
  return target.replace(/[?#].*$/s, "").replace(/\/{2,}/g, "/");
}
