import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { orRestart, ownBoot } from "../../core/boot-loader/esp-grub.ts";
import type { CpioEntry } from "../../core/bytes/cpio.ts";
import { runCommand } from "../command.ts";
import { runInTree } from "../program/tools.ts";
import { inScratch } from "../scratch.ts";

/** GRUB modules built into the boot loader of an installed machine, because its boot partition holds only a configuration. */
const commonModules = [
  ...["normal", "configfile", "linux", "minicmd", "boot", "reboot", "halt"],
  ...["search", "search_label", "search_fs_uuid", "search_fs_file", "part_gpt", "part_msdos", "ext2"],
  ...[
    "echo",
    "test",
    "true",
    "sleep",
    "ls",
    "cat",
    "regexp",
    "loadenv",
    "gzio",
    "terminal",
    "serial",
    "all_video",
    "gfxterm",
  ],
] as const;

const efiModules = ["fat", "efi_gop", "efifwsetup"] as const;
/** Graphics of firmware before UEFI 2, which only x86 machines have. */
const x86EfiModules = [...efiModules, "efi_uga"] as const;
const efiConfig = `${ownBoot}\nconfigfile $prefix/grub.cfg\n${orRestart}`;

const efiImage = { format: "x86_64-efi", file: "bootx64.efi", prefix: "/grub", config: efiConfig } as const;

/** core.img is in the BIOS boot partition of the same disk, so the boot partition is known; the EFI program has to search for it. */
export const grubImages = [
  {
    format: "i386-pc",
    file: "core.img",
    prefix: "(,gpt2)/grub",
    modules: ["biosdisk"],
    config: `configfile $prefix/grub.cfg\n${orRestart}`,
  },
  { ...efiImage, modules: x86EfiModules },
] as const;

const arm64Image = { ...efiImage, format: "arm64-efi", file: "bootaa64.efi", modules: efiModules } as const;

/** For machines whose TPM answers: GRUB 2.06 opens no file that the firmware's TPM fails to measure (commands/efi/tpm.c). */
const measuringImage = { ...efiImage, file: "bootx64-tpm.efi", modules: [...x86EfiModules, "tpm"] } as const;

/** What makes an image: a row of the table, perhaps with more modules and options of grub-mkimage. */
type GrubImage = {
  readonly format: string;
  readonly file: string;
  readonly prefix: string;
  readonly config: string;
  readonly modules: readonly string[];
  readonly options?: readonly string[];
};

/** Unpacked packages: those with GRUB's modules, and those with grub-mkimage, which runs on the building computer. */
export type GrubTrees = { readonly modules: string; readonly program: string };

async function makeImage(
  { modules, program }: GrubTrees,
  image: GrubImage,
  scratch: string,
): Promise<CpioEntry & { readonly kind: "file" }> {
  const output = join(scratch, image.file);
  const config = join(scratch, `${image.file}.cfg`);
  await writeFile(config, image.config);
  await runCommand([
    // With the libraries of its own release, whatever this computer has.
    ...runInTree(program),
    join(program, "usr/bin/grub-mkimage"),
    ...[
      "-O",
      image.format,
      "-d",
      join(modules, "usr/lib/grub", image.format),
      "-o",
      output,
      "-p",
      image.prefix,
      "-c",
      config,
      ...(image.options ?? []),
    ],
    ...commonModules,
    ...image.modules,
  ]);
  return { kind: "file", path: `usr/lib/birther/grub/${image.file}`, mode: 0o644, bytes: await readFile(output) };
}

/**
 * The boot loader for the disk of a UEFI machine that trusts the site's key, before it is signed. There is no shim whose
 * verification it could use, so it must not insist on one (grub-mkimage --disable-shim-lock). In lockdown GRUB 2.06 starts
 * a kernel only if some verifier takes care of it: the module `tpm` does, which measures and refuses nothing
 * (kern/verifiers.c). It has no module for the network, and its configuration, which is part of the signed file, leads to a
 * disk of the machine.
 */
export async function diskGrub(tree: string): Promise<CpioEntry & { readonly kind: "file" }> {
  const forSignature = { ...measuringImage, file: efiImage.file, options: ["--disable-shim-lock"] };
  return await inScratch((scratch) => makeImage({ modules: tree, program: tree }, forSignature, scratch));
}

/** The boot loader for a disk whose key is sealed: it measures. */
export function measuringGrub(tree: string): Promise<CpioEntry> {
  return inScratch((scratch) => makeImage({ modules: tree, program: tree }, measuringImage, scratch));
}

/** Boot loaders for both kinds of firmware, written to the disk unchanged. */
export function grubEntries(tree: string): Promise<readonly CpioEntry[]> {
  return inScratch(async (scratch) => {
    const made: CpioEntry[] = [];
    for (const image of grubImages) made.push(await makeImage({ modules: tree, program: tree }, image, scratch));
    const boot = await readFile(join(tree, "usr/lib/grub/i386-pc/boot.img"));
    return [...made, { kind: "file", path: "usr/lib/birther/grub/boot.img", mode: 0o644, bytes: boot }];
  });
}

/** The boot loader for the disk of an arm64 machine. */
export function arm64GrubEntries(trees: GrubTrees): Promise<readonly CpioEntry[]> {
  return inScratch(async (scratch) => [await makeImage(trees, arm64Image, scratch)]);
}
