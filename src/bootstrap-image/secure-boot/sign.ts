import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../command.ts";

/** The files of the site's key for Secure Boot, PEM. The key signs what its certificate, in the machines' db, lets start. */
export type SecureBootKey = { readonly key: string; readonly certificate: string };

/** Signs an EFI program with sbsign. A signature holds its time, so the same program gets other bytes each time. */
export async function signEfi(program: Uint8Array, { key, certificate }: SecureBootKey): Promise<Buffer> {
  const scratch = await mkdtemp(join(tmpdir(), "birther-sign-"));
  const [unsigned, signed] = [join(scratch, "unsigned.efi"), join(scratch, "signed.efi")];
  try {
    await writeFile(unsigned, program);
    await runCommand(["sbsign", "--key", key, "--cert", certificate, "--output", signed, unsigned]);
    return await readFile(signed);
  } finally {
    await rm(scratch, { recursive: true });
  }
}
