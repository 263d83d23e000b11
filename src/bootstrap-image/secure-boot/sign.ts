import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../command.ts";
import { inScratch } from "../scratch.ts";

/** The files of the site's key for Secure Boot, PEM. The key signs what its certificate, in the machines' db, lets start. */
export type SecureBootKey = { readonly key: string; readonly certificate: string };

/** Signs an EFI program with sbsign. A signature holds its time, so the same program gets other bytes each time. */
export function signEfi(program: Uint8Array, { key, certificate }: SecureBootKey): Promise<Buffer> {
  return inScratch(async (scratch) => {
    const [unsigned, signed] = [join(scratch, "unsigned.efi"), join(scratch, "signed.efi")];
    await writeFile(unsigned, program);
    await runCommand(["sbsign", "--key", key, "--cert", certificate, "--output", signed, unsigned]);
    return await readFile(signed);
  });
}
