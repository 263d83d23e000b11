import type { CpioEntry } from "../../bytes/cpio.ts";
import { planModules, readDependencies } from "../../modules/dependencies.ts";

/**
 * What opens the encrypted root needs of the image's kernel; those that are built in or that the kernel lacks are left out.
 * AF_ALG is cryptsetup's way to ciphers that its user-space library does not have.
 */
export const unlockModules = [
  "dm-mod",
  "dm-crypt",
  "xts",
  "aes_generic",
  "aesni-intel",
  "sha256_generic",
  "sha512_generic",
  "af_alg",
  "algif_hash",
  "algif_skcipher",
  "efivarfs",
] as const;

/** Where the second initrd keeps its things, out of the way of what the image's own initrd holds. */
const home = "birther";

/** What the second initrd is made of: all of it facts of one machine and one kernel. */
export type UnlockInput = {
  /** Partition that holds the LUKS2 container. */
  readonly partUuid: string;
  /** EFI variable with its vendor GUID, as efivarfs names the file: four attribute bytes, then the key. */
  readonly keyVariable: string;
  readonly keyBytes: number;
  /** Name under /dev/mapper. */
  readonly mapping: string;
  /** modules.dep of the image's kernel. */
  readonly modulesDep: string;
  readonly readModule: (relativePath: string) => Uint8Array;
  /** cryptsetup, its libraries and its loader: base name and content. */
  readonly cryptsetup: Uint8Array;
  readonly libraries: readonly { readonly name: string; readonly bytes: Uint8Array }[];
};

/**
 * The members of the second initrd: it opens the root of a plain Debian image that knows nothing of encryption.
 * initramfs-tools sources /scripts/local, /scripts/nfs and then /scripts/${BOOT} and calls `mountroot` (init, 0.142);
 * with `boot=birther` on the command line ours is the last word.
 */
export function unlockArchive(input: UnlockInput): readonly CpioEntry[] {
  const modules = planModules(unlockModules, readDependencies(input.modulesDep), new Set()).files;
  const files = modules.map((path, index) => ({ name: `${index + 10}-${baseName(path)}`, path }));
  return [
    // kmod does what its name says: as `insmod` it takes a path and no index of modules.
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

function loaderName(libraries: UnlockInput["libraries"]): string {
  const loader = libraries.find((library) => /^ld-linux.*\.so/.test(library.name));
  if (loader === undefined) throw new Error("the unlock files hold no dynamic loader (ld-linux*.so*)");
  return loader.name;
}

/**
 * The boot script. It runs under klibc's or busybox's shell with nothing but what initramfs-tools guarantees.
 * DM_DISABLE_UDEV: without device-mapper's udev rules, which a plain image's initrd lacks, libdevmapper would wait for udev for ever.
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
	DM_DISABLE_UDEV=1 /${home}/lib/${loader} --library-path /${home}/lib /${home}/bin/cryptsetup open --type luks2 \\
		--key-file "/sys/firmware/efi/efivars/${input.keyVariable}" --keyfile-offset 4 --keyfile-size ${input.keyBytes} \\
		"$DEV" ${input.mapping} || panic "birther: the key in NVRAM (${input.keyVariable}) does not open $DEV"
	umount /sys/firmware/efi/efivars
}

mountroot()
{
	birther_unlock
	local_mount_root
}
`;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
