/**
 * Garbled names that firmware requests, and the file that it needs. Each row matches only names that no correct client
 * requests, because a server cannot guess otherwise.
 */
const garbledNames: readonly {
  readonly matches: RegExp;
  readonly file: string;
  readonly evidence: string;
}[] = [
  {
    // The boot option's description ("Onboard NIC (IPv4)", "USB…") after a byte of its header, used as the name of the
    // second stage. Every real name is printable ASCII.
    matches: /^[^\x20-\x7e]/,
    file: "grubx64.efi",
    evidence: "shim 15.8 on Dell Wyse 5070, OptiPlex, Latitude 5300: rhboot/shim#649, #696",
  },
];

/** The file that a garbled name stands for; undefined for any other name. `name` is the result of `normaliseName`. */
export function fileMeantBy(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return garbledNames.find(({ matches }) => matches.test(last))?.file;
}
