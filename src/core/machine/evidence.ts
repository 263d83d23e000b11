import type { Machine } from "./record.ts";

/**
 * Serial numbers and UUIDs of boards whose vendor programmed none (netboot.md Q7, Q8); many machines share them. Compared by
 * their letters and digits, in lower case. Those of fewer than four characters identify nothing anyway.
 */
const placeholders: ReadonlySet<string> = new Set([
  ...["none", "null", "unknown", "default", "empty", "sernum0"],
  ...["notapplicable", "notspecified", "notavailable", "tobefilledbyoem", "defaultstring", "systemserialnumber"],
  ...["serialnumber", "chassisserialnumber", "baseboardserialnumber", "assettag", "noassettag", "noassetinformation"],
  ...["systemversion", "systemproductname", "invalid", "test", "filledbyoem", "tobefilled", "oemstring", "unspecified"],
  // One UUID of a reference BIOS, as text of either byte order.
  ...["03000200040005000006000700080009", "00020003000400050006000700080009"],
]);

/** Runs of digits that vendors leave in: `0123456789`, `123456789`, `0123456789ABCDEF`, `1234567890`, and such UUIDs. */
const digitRun = "0123456789abcdef0123456789abcdef";

/** Whether a serial number or UUID identifies anything: not a placeholder, and not one repeated character (all zero, all FF). */
export function isIdentifying(text: string): boolean {
  const characters = text.toLowerCase().replace(/[^0-9a-z]/g, "");
  const isRun = digitRun.includes(characters) || "12345678901234567890".includes(characters);
  return characters.length >= 4 && !placeholders.has(characters) && !isRun && !/^(.)\1*$/.test(characters);
}

/**
 * The parts (disks, board) that two records have in common, one clause per part. Evidence for an operator who resolves a
 * conflict, never a key: UUIDs and serial numbers repeat, and parts move (docs/decisions/one-machine-many-nics.md).
 */
export function sharedParts(
  one: Pick<Machine, "hardware" | "smbios">,
  other: Pick<Machine, "hardware" | "smbios">,
): readonly string[] {
  const serialsOf = ({ hardware }: Pick<Machine, "hardware">) =>
    (hardware?.disks ?? [])
      .filter(({ removable }) => !removable)
      .map(({ serial }) => serial)
      .filter(isIdentifying);
  const theirs = new Set(serialsOf(other));
  const disks = serialsOf(one).filter((serial) => theirs.has(serial));
  const same = (text: (machine: Pick<Machine, "smbios">) => string | undefined) => {
    const value = text(one);
    return value !== undefined && isIdentifying(value) && value.toLowerCase() === text(other)?.toLowerCase();
  };
  return [
    ...(disks.length === 0 ? [] : [`the disk${disks.length === 1 ? "" : "s"} ${disks.slice(0, 4).join(" ")}`]),
    ...(same(({ smbios }) => smbios?.serial) ? [`the serial number ${one.smbios?.serial}`] : []),
    ...(same(({ smbios }) => smbios?.uuid) ? [`the UUID ${one.smbios?.uuid}`] : []),
  ];
}
