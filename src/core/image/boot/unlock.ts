import type { CpioEntry } from "../../bytes/cpio.ts";
import { planModules, readDependencies } from "../../modules/dependencies.ts";

/**
 * Kernel modules that opening the encrypted root needs; built-in and missing ones are skipped. Through AF_ALG,
 * cryptsetup uses ciphers that its user-space library lacks.
 */
export const unlockModules = [
  "dm-mod",
  "dm-crypt",
  "xts",
  "aes_generic",
  "aesni-intel",
  // arm64: with and without its instructions for AES
  "aes-ce-blk",
  "aes-neon-blk",
  "sha256_generic",
  "sha512_generic",
  "af_alg",
  "algif_hash",
  "algif_skcipher",
  "efivarfs",
  "tpm_crb",
  "tpm_tis",
] as const;

/** Tells the agent's script to write the disk key to its output: from the files of the plain and of the sealed variable. */
export const unsealOption = "--unseal";

/** Directory of the second initrd's files, separate from those of the image's own initrd. */
const home = "birther";

/** The facts of one machine and one kernel from which the second initrd is made. */
export type UnlockInput = {
  /** The partition with the LUKS2 container. */
  readonly partUuid: string;
  /** The EFI variable with its vendor GUID, as efivarfs names the file: four attribute bytes, then the key. */
  readonly keyVariable: string;
  readonly keyBytes: number;
  /** What unseals the key where it is sealed: the variable, and our native program with its script. */
  readonly sealed?: { readonly variable: string; readonly native: Uint8Array; readonly script: Uint8Array };
  /** The name under /dev/mapper. */
  readonly mapping: string;
  /** modules.dep of the image's kernel. */
  readonly modulesDep: string;
  readonly readModule: (relativePath: string) => Uint8Array;
  /** Base names and contents of cryptsetup, its libraries and its dynamic loader. */
  readonly cryptsetup: Uint8Array;
  readonly libraries: readonly { readonly name: string; readonly bytes: Uint8Array }[];
};

/**
 * Makes the second initrd, which opens the root of a plain Debian image that has no support for encryption.
 * initramfs-tools sources /scripts/local, /scripts/nfs and then /scripts/${BOOT}, and calls `mountroot` (init, 0.142);
 * with `boot=birther` on the command line, our script is the last one.
 */
export function unlockArchive(input: UnlockInput): readonly CpioEntry[] {
  const modules = planModules(unlockModules, readDependencies(input.modulesDep), new Set()).files;
  const files = modules.map((path, index) => ({ name: `${index + 10}-${baseName(path)}`, path }));
  return [
    // kmod acts by the name under which it is called; as `insmod` it takes a path and needs no index of modules.
    { kind: "link", path: `${home}/bin/insmod`, target: "/sbin/modprobe" },
    { kind: "file", path: `${home}/bin/cryptsetup`, mode: 0o755, bytes: input.cryptsetup },
    ...input.libraries.map(
      (library): CpioEntry => ({
        kind: "file",
        path: `${home}/lib/${library.name}`,
        mode: 0o755,
        bytes: library.bytes,
      }),
    ),
    ...unsealFiles(input),
    ...files.map(
      (file): CpioEntry => ({
        kind: "file",
        path: `${home}/modules/${file.name}`,
        mode: 0o644,
        bytes: input.readModule(file.path),
      }),
    ),
    {
      kind: "file",
      path: "scripts/birther",
      mode: 0o644,
      bytes: asciiBytes(unlockScript(input, loaderName(input.libraries), files)),
    },
  ];
}

function unsealFiles({ sealed }: UnlockInput): readonly CpioEntry[] {
  if (sealed === undefined) return [];
  return [
    { kind: "file", path: `${home}/bin/birther-js`, mode: 0o755, bytes: sealed.native },
    { kind: "file", path: `${home}/agent.js`, mode: 0o644, bytes: sealed.script },
  ];
}

function loaderName(libraries: UnlockInput["libraries"]): string {
  const loader = libraries.find((library) => /^ld-linux.*\.so/.test(library.name));
  if (loader === undefined) throw new Error("the unlock files hold no dynamic loader (ld-linux*.so*)");
  return loader.name;
}

/**
 * The boot script. It runs under the shell of klibc or busybox and uses only what initramfs-tools guarantees.
 * DM_DISABLE_UDEV: a plain image's initrd has no udev rules of device-mapper, so libdevmapper would wait for udev
 * forever.
 */
function unlockScript(input: UnlockInput, loader: string, modules: readonly { readonly name: string }[]): string {
  return `# Opens the encrypted root with the key in NVRAM; written by birther-agent for this machine and this kernel.
birther_unlock()
{
	for module in ${modules.map((module) => module.name).join(" ")}; do
		/${home}/bin/insmod "/${home}/modules/$module" >/dev/null 2>&1
	done
	mount -t efivarfs -o ro,nosuid,nodev,noexec efivarfs /sys/firmware/efi/efivars
	local_device_setup "/dev/disk/by-partuuid/${input.partUuid}" "encrypted root"
${openCommands(input, loader)}
	umount /sys/firmware/efi/efivars
}

mountroot()
{
	birther_unlock
	local_mount_root
}
`;
}

/** With sealing, our program takes the plain key where there is one: after a birth and a recovery, until the agent has sealed it. */
function openCommands({ keyVariable, keyBytes, mapping, sealed }: UnlockInput, loader: string): string {
  const open = `DM_DISABLE_UDEV=1 /${home}/lib/${loader} --library-path /${home}/lib /${home}/bin/cryptsetup open --type luks2`;
  const variables = "/sys/firmware/efi/efivars";
  if (sealed === undefined)
    return `	${open} \\
		--key-file "${variables}/${keyVariable}" --keyfile-offset 4 --keyfile-size ${keyBytes} \\
		"$DEV" ${mapping} || panic "birther: the key in NVRAM (${keyVariable}) does not open $DEV"`;
  const files = [keyVariable, sealed.variable].map((name) => `"${variables}/${name}"`).join(" ");
  return `	/${home}/bin/birther-js /${home}/agent.js ${unsealOption} ${files} | ${open} \\
		--key-file - --keyfile-size ${keyBytes} \\
		"$DEV" ${mapping} || panic "birther: no key opens $DEV in this boot; nothing is erased"`;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
