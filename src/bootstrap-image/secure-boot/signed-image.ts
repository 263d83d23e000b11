import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { signedCommandLine } from "../../core/birth/signed-command-line.ts";
import { cached } from "../cached.ts";
import { runCommand } from "../command.ts";
import { type Debian, packagesKey } from "../debian/packages.ts";
import { inScratch } from "../scratch.ts";

/** Debian's package of systemd's stub. It is unpacked, never installed. */
export const stubPackage = "systemd-boot-efi";
const stubPath = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/** Sections begin at whole pages. */
const pageBytes = 4096;
const toPage = (address: number) => Math.ceil(address / pageBytes) * pageBytes;

/** The name that the firmware's boot log and the machine's `bootctl` show. */
const osRelease = 'ID=birther\nNAME="Birther"\nPRETTY_NAME="Birther Bootstrap Image"\n';

/**
 * The Bootstrap Image as one EFI program, not signed yet: systemd's stub with kernel, initramfs and command line. With
 * Secure Boot on, the stub takes no command line from the loader before it. From version 254 on it appends what the machine's
 * own firmware holds in an SMBIOS string, and add-ons beside the program that a trusted key has signed (systemd-stub(7)).
 * Other files beside the program only appear below `/.extra`, which init does not read.
 */
export async function makeSignedImage(
  parts: { readonly kernel: Uint8Array; readonly initramfs: Uint8Array },
  { debian, cacheDirectory }: { readonly debian: Debian; readonly cacheDirectory: string },
): Promise<Buffer> {
  const wanted = await debian.resolve([stubPackage]);
  const tree = await cached(cacheDirectory, `stub-${packagesKey(wanted)}`, (draft) => debian.unpack(wanted, draft));
  const stub = join(tree, stubPath);
  const sections = [
    { name: ".osrel", bytes: Buffer.from(osRelease) },
    { name: ".cmdline", bytes: Buffer.from(signedCommandLine) },
    { name: ".linux", bytes: parts.kernel },
    { name: ".initrd", bytes: parts.initramfs },
  ] as const;
  return await inScratch(async (scratch) => {
    const output = join(scratch, "image.efi");
    const options: string[] = [];
    let at = toPage(endInMemory(await readFile(stub)));
    for (const { name, bytes } of sections) {
      await writeFile(join(scratch, name), bytes);
      options.push("--add-section", `${name}=${join(scratch, name)}`, "--change-section-vma", `${name}=${at}`);
      at = toPage(at + bytes.length);
    }
    await runCommand(["objcopy", ...options, stub, output]);
    return await readFile(output);
  });
}

/**
 * Where the sections of an EFI program end in memory, as objcopy counts: from the program's own image base (Microsoft,
 * "PE Format": optional header of PE32+).
 */
function endInMemory(program: Buffer): number {
  const header = program.readUInt32LE(0x3c);
  const sectionCount = program.readUInt16LE(header + 6);
  const optional = header + 24;
  const table = optional + program.readUInt16LE(header + 20);
  const ends = Array.from({ length: sectionCount }, (_, index) => {
    const at = table + index * 40;
    return program.readUInt32LE(at + 8) + program.readUInt32LE(at + 12);
  });
  return Number(program.readBigUInt64LE(optional + 24)) + Math.max(...ends);
}
