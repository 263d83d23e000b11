import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { signedCommandLine } from "../../core/birth/signed-command-line.ts";
import type { Log } from "../../core/ports.ts";
import { cached } from "../cached.ts";
import { runCommand } from "../command.ts";
import { packagesKey, resolvePackages, unpackPackages } from "../debian.ts";
import { inScratch } from "../scratch.ts";

/** Debian's package of systemd's stub. It is unpacked, never installed. */
export const stubPackage = "systemd-boot-efi";
const stubPath = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/** Where the sections begin in memory (systemd-stub(7), example): behind those of the stub, which end below 128 KiB. */
const osReleaseAt = 0x20000;
const commandLineAt = 0x30000;
const kernelAt = 0x2000000;
/** Sections begin at whole pages. */
const pageBytes = 4096;

/** The name that the firmware's boot log and the machine's `bootctl` show. */
const osRelease = 'ID=birther\nNAME="Birther"\nPRETTY_NAME="Birther Bootstrap Image"\n';

/**
 * The Bootstrap Image as one EFI program, not signed yet: systemd's stub with kernel, initramfs and command line. With
 * Secure Boot on, the stub takes no command line but this one. Version 252 reads no add-ons and nothing from SMBIOS; what
 * lies in a directory beside the program only appears below `/.extra`, which init does not read.
 */
export async function makeSignedImage(
  parts: { readonly kernel: Uint8Array; readonly initramfs: Uint8Array },
  { cacheDirectory, log }: { readonly cacheDirectory: string; readonly log: Log },
): Promise<Buffer> {
  const wanted = await resolvePackages([stubPackage]);
  const tree = await cached(cacheDirectory, `stub-${packagesKey(wanted)}`, (draft) =>
    unpackPackages(wanted, draft, { cacheDirectory, log }),
  );
  const initramfsAt = kernelAt + Math.ceil(parts.kernel.length / pageBytes) * pageBytes;
  const sections = [
    { name: ".osrel", at: osReleaseAt, bytes: Buffer.from(osRelease) },
    { name: ".cmdline", at: commandLineAt, bytes: Buffer.from(signedCommandLine) },
    { name: ".linux", at: kernelAt, bytes: parts.kernel },
    { name: ".initrd", at: initramfsAt, bytes: parts.initramfs },
  ] as const;
  return await inScratch(async (scratch) => {
    const output = join(scratch, "image.efi");
    const options: string[] = [];
    for (const { name, at, bytes } of sections) {
      await writeFile(join(scratch, name), bytes);
      options.push("--add-section", `${name}=${join(scratch, name)}`, "--change-section-vma", `${name}=${at}`);
    }
    await runCommand(["objcopy", ...options, join(tree, stubPath), output]);
    return await readFile(output);
  });
}
