/**
 * Names that are asked for by mistake, and the file that is meant; netboot.md's quirks of firmware end where a server
 * cannot tell what was meant, so each row matches only what nobody else asks for.
 */
const garbledNames: readonly {
  readonly matches: RegExp;
  readonly file: string;
  readonly evidence: string;
}[] = [
  {
    // The boot option's description ("Onboard NIC (IPv4)", "USB…") behind a byte of its header, taken for the name of the
    // second stage. Every real name is printable ASCII.
    matches: /^[^\x20-\x7e]/,
    file: "grubx64.efi",
    evidence: "shim 15.8 on Dell Wyse 5070, OptiPlex, Latitude 5300: rhboot/shim#649, #696",
  },
];

/** The file that a garbled name stands for; undefined where the name is no such thing. `name` is as `normaliseName` leaves it. */
export function fileMeantBy(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return garbledNames.find(({ matches }) => matches.test(last))?.file;
}
