/**
 * The path of a request's target, with repeated slashes merged: shim requests `//grubx64.efi` and must not be
 * redirected (netboot.md §2.4).
 */
export function pathOf(target: string): string {
  return target.replace(/[?#].*$/s, "").replace(/\/{2,}/g, "/");
}
