/**
 * The directory of UEFI variables in Linux: files `NAME-GUID`, each with four bytes of attributes (little-endian), then
 * the value.
 */
export const efivarsDirectory = "/sys/firmware/efi/efivars";

/** The vendor GUID of the specification's own variables (UEFI 2.10 §3.3 EFI_GLOBAL_VARIABLE). */
const globalVendor = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/** Our vendor GUID. */
const birtherVendor = "6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee01";

/** The names of all our variables with disk keys begin like this; all are deleted before a new key is made. */
const diskKeyPrefix = "BirtherDiskKey";

/** The file of the variable with the root disk's key. */
export const diskKeyVariable = `${diskKeyPrefix}-${birtherVendor}`;

/** The file of the variable with that key sealed to the boot path (core/tpm/sealed-key.ts). */
export const sealedKeyVariable = `${diskKeyPrefix}Sealed-${birtherVendor}`;

/**
 * The file of the variable in which disk-list.efi leaves the controllers behind which the firmware sees disks; it lasts until the
 * restart (core/hardware/firmware-disks.ts).
 */
export const seenDisksVariable = `BirtherDisks-${birtherVendor}`;

/** Offset of the value in a variable's file, after the attributes. */
export const variableValueAt = 4;

/** Random bytes in a disk key: the size of an AES-256-XTS key. */
export const diskKeyBytes = 64;

/** Whether a file in efivarfs is one of our disk keys, of any version. */
export function isDiskKeyVariable(fileName: string): boolean {
  return fileName.startsWith(diskKeyPrefix) && fileName.endsWith(`-${birtherVendor}`);
}

/** Non-volatile, for boot services and for the running system (UEFI 2.10 §8.2), as keys and boot entries must be. */
const lastingAttributes = 0x7;

/** The content of the file that stores `value` permanently. */
export function lastingVariable(value: Uint8Array): Uint8Array {
  const content = new Uint8Array(variableValueAt + value.length);
  content[0] = lastingAttributes;
  content.set(value, variableValueAt);
  return content;
}

/** The value in the content of a variable's file; empty if there is none. */
export function variableValue(content: Uint8Array): Uint8Array {
  return content.subarray(variableValueAt);
}

/** The file of a variable of the specification, such as `BootOrder`. */
export function globalVariable(name: string): string {
  return `${name}-${globalVendor}`;
}

/** The file of boot option `number` (UEFI 2.10 §3.3: four upper-case hex digits). */
export function bootOptionVariable(number: number): string {
  return globalVariable(`Boot${number.toString(16).toUpperCase().padStart(4, "0")}`);
}

/** The number of a boot option, from its file name; undefined for another file. */
export function bootOptionNumber(fileName: string): number | undefined {
  const match = /^Boot([0-9A-Fa-f]{4})-(.*)$/.exec(fileName);
  return match?.[1] !== undefined && match[2] === globalVendor ? Number.parseInt(match[1], 16) : undefined;
}

/** Room for a disk key, our boot entry and the boot order, with their names and headers in the variable store. */
export const probeBytes = 1024;

/** Whether a file in efivarfs is a crash dump of a kernel (efi-pstore), which nobody reads on a machine that is born anew. */
export function isCrashDump(fileName: string): boolean {
  return /^dump-type\d+-/.test(fileName);
}

/** A variable that is written and deleted again, to find out whether the firmware allows it. */
export const probeVariable = `BirtherProbe-${birtherVendor}`;
