/**
 * Serial numbers and UUIDs of boards and disks whose vendor programmed none (netboot.md Q7, Q8); many machines share them.
 * Compared by their letters and digits, in lower case.
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
const digitRuns = ["0123456789abcdef0123456789abcdef", "12345678901234567890"];

/** What QEMU calls a disk without a serial number, by its slot: `QM00001`. */
const qemuDefault = /^qm\d{5}$/;

/** Shorter texts are compared whole: `11` and `12` may be serial numbers. */
const leastRun = 4;

/** The letters and digits of a name, in lower case. */
export function lettersAndDigits(text: string): string {
  return text.toLowerCase().replace(/[^0-9a-z]/g, "");
}

/** Whether a serial number or UUID was never programmed: a known text, zeros, one repeated character, or counted digits. */
export function isPlaceholder(text: string): boolean {
  const characters = lettersAndDigits(text);
  if (placeholders.has(characters) || qemuDefault.test(characters) || /^0*$/.test(characters)) return true;
  return characters.length >= leastRun && (isRun(characters) || /^(.)\1*$/.test(characters));
}

function isRun(characters: string): boolean {
  return digitRuns.some((run) => run.includes(characters));
}
