/** A component of the Bootstrap Image: the part that it is in, and its share of that part's bytes on the wire. */
export type Component = { readonly part: string; readonly name: string; readonly bytes: number };

/**
 * Divides the bytes of a compressed part among its components by the sizes that their files have when each is compressed
 * alone. The shares add up to `total`; the largest comes first.
 */
export function divide(
  part: string,
  files: readonly { readonly name: string; readonly weight: number }[],
  total: number,
): readonly Component[] {
  const weights = new Map<string, number>();
  for (const { name, weight } of files) if (weight > 0) weights.set(name, (weights.get(name) ?? 0) + weight);
  const all = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  let seen = 0;
  let given = 0;
  const shares = [...weights].map(([name, weight]): Component => {
    seen += weight;
    const upTo = Math.round((total * seen) / all);
    const bytes = upTo - given;
    given = upTo;
    return { part, name, bytes };
  });
  return shares.sort((one, other) => other.bytes - one.bytes || (one.name < other.name ? -1 : 1));
}

/** The component of a kernel module, or of the indexes beside them, by its path below `usr/lib/modules/VERSION`. */
export function moduleComponent(path: string): string {
  const [, , , , tree = "", kind = "", what = ""] = path.split("/");
  if (tree !== "kernel") return "indexes";
  if (kind === "drivers" && what === "net") return "network drivers";
  if (kind === "drivers" && storageDrivers.has(what)) return "storage drivers";
  if (kind === "drivers" && managementDrivers.has(what)) return "watchdogs and management";
  return "file systems, encryption and buses";
}

/** Directories below `kernel/drivers`. */
const storageDrivers = new Set(["ata", "block", "message", "nvme", "scsi"]);
const managementDrivers = new Set(["acpi", "char", "edac", "hwmon", "i2c", "mfd", "nvdimm", "watchdog"]);

/** The component of any other file: its name, as GRUB's images together are one. */
export function fileComponent(path: string): string {
  if (path.startsWith("usr/lib/birther/grub/")) return "GRUB";
  return path === "init" ? "native program" : path.slice(path.lastIndexOf("/") + 1);
}
