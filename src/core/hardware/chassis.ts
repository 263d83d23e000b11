import type { ChassisSlot } from "../site/placement.ts";
import { isPlaceholder } from "./placeholders.ts";

const baseboardType = 2;
const enclosureType = 3;
const endType = 127;
/** Formatted area: SMBIOS 3.6 §7.3 (baseboard) and §7.4 (enclosure). */
const locationInChassisAt = 0x0a;
const enclosureSerialAt = 0x07;
const headerBytes = 4;
/** Structures of a table at most; a damaged one must not be walked for ever. */
const structureLimit = 4096;

/**
 * The slot of a machine in its enclosure, by the SMBIOS table as one character per byte (/sys/firmware/dmi/tables/DMI);
 * undefined if the firmware names no slot, as that of most machines in enclosures of their own.
 */
export function readChassisSlot(table: string): ChassisSlot | undefined {
  let [serial, slot] = ["", ""];
  for (let at = 0, read = 0; at + headerBytes <= table.length && read < structureLimit; read += 1) {
    const type = table.charCodeAt(at);
    const length = table.charCodeAt(at + 1);
    if (type === endType || length < headerBytes) break;
    const end = table.indexOf("\0\0", at + length);
    const strings = table.slice(at + length, end < 0 ? table.length : end).split("\0");
    const field = (offset: number) => stringAt(strings, offset < length ? table.charCodeAt(at + offset) : 0);
    if (type === baseboardType && slot === "") slot = field(locationInChassisAt);
    if (type === enclosureType && serial === "") serial = field(enclosureSerialAt);
    if (end < 0) break;
    at = end + 2;
  }
  return slot === "" || isPlaceholder(slot) ? undefined : { serial: isPlaceholder(serial) ? "" : serial, slot };
}

/** A string by its number; number 0 is none (SMBIOS 3.6 §6.1.3). */
function stringAt(strings: readonly string[], number: number): string {
  const text = number === 0 ? "" : (strings[number - 1] ?? "");
  return text
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, 128);
}
