/** Where Linux shows UEFI variables: `NAME-GUID`, each file four bytes of attributes (little-endian), then the value. */
export const efivarsDirectory = "/sys/firmware/efi/efivars";

/** The vendor of the specification's own variables (UEFI 2.10 §3.3 EFI_GLOBAL_VARIABLE). */
const globalVendor = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/** Ours. */
const birtherVendor = "6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee01";

/** Every variable of ours that holds a disk's key begins so; all of them are deleted before a new key is made. */
const diskKeyPrefix = "BirtherDiskKey";

/** File name of the variable that holds the root disk's key. */
export const diskKeyVariable = `${diskKeyPrefix}-${birtherVendor}`;

/** Where in a variable's file its value begins: behind the attributes. */
export const variableValueAt = 4;

/** Random bytes in a disk key: the size of an AES-256-XTS key. */
export const diskKeyBytes = 64;

/** Whether a file name in efivarfs is a disk key of ours, of whatever version. */
export function isDiskKeyVariable(fileName: string): boolean {
  return fileName.startsWith(diskKeyPrefix) && fileName.endsWith(`-${birtherVendor}`);
}

/** Non-volatile, for boot services and for the running system (UEFI 2.10 §8.2): what a key and a boot entry need. */
const lastingAttributes = 0x7;

/** The file content that stores `value` for good. */
export function lastingVariable(value: Uint8Array): Uint8Array {
  const content = new Uint8Array(variableValueAt + value.length);
  content[0] = lastingAttributes;
  content.set(value, variableValueAt);
  return content;
}

/** The value in a variable's file content; empty where there is none. */
export function variableValue(content: Uint8Array): Uint8Array {
  return content.subarray(variableValueAt);
}

/** File name of a variable of the specification, e.g. `BootOrder`. */
export function globalVariable(name: string): string {
  return `${name}-${globalVendor}`;
}

/** File name of boot option `number` (UEFI 2.10 §3.3: four upper-case hex digits). */
export function bootOptionVariable(number: number): string {
  return globalVariable(`Boot${number.toString(16).toUpperCase().padStart(4, "0")}`);
}

/** The number of a boot option by its file name, or undefined if the file is none. */
export function bootOptionNumber(fileName: string): number | undefined {
  const match = /^Boot([0-9A-Fa-f]{4})-(.*)$/.exec(fileName);
  return match?.[1] !== undefined && match[2] === globalVendor ? Number.parseInt(match[1], 16) : undefined;
}

/** A variable that is written and deleted again to see whether the firmware lets us. */
export const probeVariable = `BirtherProbe-${birtherVendor}`;
