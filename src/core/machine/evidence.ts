import type { Machine } from "./record.ts";

/**
 * What boards say when their maker wrote nothing (netboot.md Q7, Q8): it repeats from machine to machine. Compared in
 * lower case without blanks and dots at the ends.
 */
const placeholders: ReadonlySet<string> = new Set([
  ...["", "0", "none", "n/a", "na", "null", "unknown", "default", "default string", "empty", "oem", "x", "xxxx"],
  ...["to be filled by o.e.m", "to be filled by oem", "not specified", "not available", "not applicable"],
  ...["system serial number", "serial number", "chassis serial number", "base board serial number", "sernum0"],
  ...["0123456789", "1234567890", "123456789", "03000200-0400-0500-0006-000700080009"],
]);

/** Whether a serial number or UUID tells anything: no placeholder, nor one character over and over (all zero, all FF). */
export function isTelling(text: string): boolean {
  const word = text.trim().toLowerCase().replace(/\.+$/, "");
  const digits = word.replace(/[^0-9a-z]/g, "");
  return !placeholders.has(word) && digits.length >= 4 && !/^(.)\1*$/.test(digits);
}

/**
 * Parts by which two records look like one machine, one clause each: its disks, its board. Evidence for a person who looks at a
 * conflict, never a key: UUIDs and serial numbers repeat, and parts wander (docs/decisions/one-machine-many-nics.md).
 */
export function sharedParts(
  one: Pick<Machine, "hardware" | "smbios">,
  other: Pick<Machine, "hardware" | "smbios">,
): readonly string[] {
  const serialsOf = ({ hardware }: Pick<Machine, "hardware">) =>
    (hardware?.disks ?? [])
      .filter(({ removable }) => !removable)
      .map(({ serial }) => serial)
      .filter(isTelling);
  const theirs = new Set(serialsOf(other));
  const disks = serialsOf(one).filter((serial) => theirs.has(serial));
  const same = (text: (machine: Pick<Machine, "smbios">) => string | undefined) => {
    const value = text(one);
    return value !== undefined && isTelling(value) && value.toLowerCase() === text(other)?.toLowerCase();
  };
  return [
    ...(disks.length === 0 ? [] : [`the disk${disks.length === 1 ? "" : "s"} ${disks.slice(0, 4).join(" ")}`]),
    ...(same(({ smbios }) => smbios?.serial) ? [`the serial number ${one.smbios?.serial}`] : []),
    ...(same(({ smbios }) => smbios?.uuid) ? [`the UUID ${one.smbios?.uuid}`] : []),
  ];
}
