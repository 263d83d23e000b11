import { isPlaceholder, lettersAndDigits } from "../hardware/placeholders.ts";
import type { Machine } from "./record.ts";

/** Names of fewer letters and digits identify nothing. */
const leastCharacters = 4;

/** From this number of machines on, a common serial number or UUID is a placeholder, whatever it looks like. */
const sharedByAll = 3;

/** Whether a serial number or UUID identifies anything: long enough, and no placeholder. */
export function isIdentifying(text: string): boolean {
  return lettersAndDigits(text).length >= leastCharacters && !isPlaceholder(text);
}

/** The texts by which a board may be recognised, in the form in which they are counted. */
export function boardTexts({ smbios }: Pick<Machine, "smbios">): readonly string[] {
  if (smbios === undefined) return [];
  const texts = [smbios.serial, smbios.uuid].filter(isIdentifying).map((text) => text.toLowerCase());
  return [...new Set(texts)];
}

/**
 * The parts (disks, board) that two records have in common, one clause per part. Evidence for an operator who resolves a
 * conflict, never a key: UUIDs and serial numbers repeat, and parts move (docs/decisions/one-machine-many-nics.md).
 * `machinesWith` counts the machines that have a text of `boardTexts`: what three or more share is a placeholder.
 */
export function sharedParts(
  one: Pick<Machine, "hardware" | "smbios">,
  other: Pick<Machine, "hardware" | "smbios">,
  machinesWith: (boardText: string) => number,
): readonly string[] {
  const serialsOf = ({ hardware }: Pick<Machine, "hardware">) =>
    (hardware?.disks ?? [])
      .filter(({ removable }) => !removable)
      .map(({ serial }) => serial)
      .filter(isIdentifying);
  const theirs = new Set(serialsOf(other));
  const disks = serialsOf(one).filter((serial) => theirs.has(serial));
  const common = boardTexts(one).filter((text) => boardTexts(other).includes(text) && machinesWith(text) < sharedByAll);
  const isShared = (text: string | undefined) => text !== undefined && common.includes(text.toLowerCase());
  return [
    ...(disks.length === 0 ? [] : [`the disk${disks.length === 1 ? "" : "s"} ${disks.slice(0, 4).join(" ")}`]),
    ...(isShared(one.smbios?.serial) ? [`the serial number ${one.smbios?.serial}`] : []),
    ...(isShared(one.smbios?.uuid) ? [`the UUID ${one.smbios?.uuid}`] : []),
  ];
}
