import type { CpioEntry } from "../../bytes/cpio.ts";
import { mdSays } from "../../install/md-superblock.ts";
import { rootArrayName } from "../../install/paths.ts";
import { planModules, readDependencies } from "../../modules/dependencies.ts";

/** Drivers of TPMs; a machine's has one of these interfaces. */
export const tpmModules = ["tpm_crb", "tpm_tis"] as const;

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
  ...tpmModules,
] as const;

/** Those of a mirrored root. */
export const mirrorModules = ["md-mod", "raid1"] as const;

/** Time for a member to appear, and for the second one after that: disks spin up one after the other. */
const memberSeconds = 180;
const otherMemberSeconds = 30;
/** The lower half of a count of events, from its highest byte. */
const eventBytes = [3, 2, 1, 0].map((at) => mdSays.events + at);

/** Tells the agent's script to write the disk key to its output: from the files of the plain and of the sealed variable. */
export const unsealOption = "--unseal";

/** Tells it to write the disk key from the TPM to its output, and to have the TPM give it to nobody else in this boot. */
export const tpmKeyOption = "--tpm-key";

/** Directory of the second initrd's files, separate from those of the image's own initrd. */
const home = "birther";

/** The facts of one machine and one kernel from which the second initrd is made. */
export type UnlockInput = OpenedRoot & {
  /** modules.dep of the image's kernel. */
  readonly modulesDep: string;
  readonly readModule: (relativePath: string) => Uint8Array;
};

/** Where the root is: in a LUKS2 container on a partition, or on a mirror, in a container or not. */
type OpenedRoot =
  | { readonly partUuid: string; readonly encryption: UnlockEncryption }
  | { readonly members: readonly string[]; readonly encryption?: UnlockEncryption };

/** Our native program with its script. */
export type KeyProgram = { readonly native: Uint8Array; readonly script: Uint8Array };

/** Where the key is. */
type UnlockKey =
  | {
      /** The EFI variable with its vendor GUID, as efivarfs names the file: four attribute bytes, then the key. */
      readonly keyVariable: string;
      /** What unseals the key where it is sealed: the variable, and our program. */
      readonly sealed?: { readonly variable: string } & KeyProgram;
    }
  /** In the TPM, from which our program reads it. */
  | { readonly fromTpm: KeyProgram };

/** What opens the container. */
export type UnlockEncryption = UnlockKey & {
  readonly keyBytes: number;
  /** The name under /dev/mapper. */
  readonly mapping: string;
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
  const { encryption } = input;
  const wanted = [...("members" in input ? mirrorModules : []), ...(encryption === undefined ? [] : unlockModules)];
  const modules = planModules(wanted, readDependencies(input.modulesDep), new Set()).files;
  const files = modules.map((path, index) => ({ name: `${index + 10}-${baseName(path)}`, path }));
  return [
    // kmod acts by the name under which it is called; as `insmod` it takes a path and needs no index of modules.
    { kind: "link", path: `${home}/bin/insmod`, target: "/sbin/modprobe" },
    ...(encryption === undefined ? [] : openingFiles(encryption)),
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
      bytes: asciiBytes(unlockScript(input, files)),
    },
  ];
}

function openingFiles(encryption: UnlockEncryption): readonly CpioEntry[] {
  return [
    { kind: "file", path: `${home}/bin/cryptsetup`, mode: 0o755, bytes: encryption.cryptsetup },
    ...encryption.libraries.map(
      (library): CpioEntry => ({
        kind: "file",
        path: `${home}/lib/${library.name}`,
        mode: 0o755,
        bytes: library.bytes,
      }),
    ),
    ...programFiles(encryption),
  ];
}

function programFiles(encryption: UnlockEncryption): readonly CpioEntry[] {
  const program = "fromTpm" in encryption ? encryption.fromTpm : encryption.sealed;
  if (program === undefined) return [];
  return [
    { kind: "file", path: `${home}/bin/birther-js`, mode: 0o755, bytes: program.native },
    { kind: "file", path: `${home}/agent.js`, mode: 0o644, bytes: program.script },
  ];
}

function loaderName(libraries: UnlockEncryption["libraries"]): string {
  const loader = libraries.find((library) => /^ld-linux.*\.so/.test(library.name));
  if (loader === undefined) throw new Error("the unlock files hold no dynamic loader (ld-linux*.so*)");
  return loader.name;
}

/**
 * The boot script. It runs under the shell of klibc or busybox and uses only what initramfs-tools guarantees.
 * DM_DISABLE_UDEV: a plain image's initrd has no udev rules of device-mapper, so libdevmapper would wait for udev
 * forever.
 */
function unlockScript(input: UnlockInput, modules: readonly { readonly name: string }[]): string {
  const load = `	for module in ${modules.map((module) => module.name).join(" ")}; do
		/${home}/bin/insmod "/${home}/modules/$module" >/dev/null 2>&1
	done`;
  if ("members" in input) return mirrorScript(input, load);
  return `# Opens the encrypted root with the key in ${"fromTpm" in input.encryption ? "the TPM" : "NVRAM"}; written by birther-agent for this machine and this kernel.
birther_unlock()
{
${load}
${aroundOpening(input.encryption, [`	local_device_setup "/dev/disk/by-partuuid/${input.partUuid}" "encrypted root"`])}
}

mountroot()
{
	birther_unlock
	local_mount_root
}
`;
}

/**
 * The boot script of a mirrored root: assembles it from whichever members are there, and opens it. The files of md in /sys do
 * what mdadm would (Documentation/admin-guide/md.rst), so that a plain image needs none; where the image's own initrd
 * has one, it may have begun.
 */
function mirrorScript(
  { members, encryption }: { readonly members: readonly string[]; readonly encryption?: UnlockEncryption },
  load: string,
): string {
  const open = encryption === undefined ? '	ROOT="$DEV"' : aroundOpening(encryption, []);
  return `# Assembles the mirror of the root; written by birther-agent for this machine and this kernel.
birther_members()
{
	found=""
	count=0
	for uuid in ${members.join(" ")}; do
		path=$(readlink "/dev/disk/by-partuuid/$uuid" 2>/dev/null) || continue
		found="$found \${path##*/}"
		count=$((count + 1))
	done
}

# The value of a byte of a member; the shell drops a byte that is zero.
birther_byte()
{
	byte="$(dd if="/dev/$1" bs=1 skip="$2" count=1 2>/dev/null; echo x)"
	byte="\${byte%x}"
	if [ -n "$byte" ]; then
		echo $(($(printf '%d' "'$byte") & 255))
	else
		echo 0
	fi
}

# Whether a member went on without the one with this number.
birther_alone()
{
	at=$((${mdSays.roles} + 2 * $2))
	[ $(($(birther_byte "$1" $at) + 256 * $(birther_byte "$1" $((at + 1))))) != "$2" ]
}

birther_events()
{
	events=0
	for at in ${eventBytes.join(" ")}; do
		events=$((events * 256 + $(birther_byte "$1" $at)))
	done
	echo $events
}

# Leaves out a member that cannot be read, or has older data; the kernel would not always see that.
birther_choose()
{
	if [ "$(birther_events "$1")" = 0 ]; then
		found="$2"
		echo "birther: $1 of the root's mirror cannot be read; starting without it"
	elif [ "$(birther_events "$2")" = 0 ]; then
		found="$1"
		echo "birther: $2 of the root's mirror cannot be read; starting without it"
	elif birther_alone "$1" 1; then
		if ! birther_alone "$2" 0; then
			found="$1"
			echo "birther: $2 of the root's mirror was away; starting without it"
		elif [ "$(birther_events "$1")" -ge "$(birther_events "$2")" ]; then
			found="$1"
			echo "birther: both disks of the root's mirror were away in turn; starting without $2"
		else
			found="$2"
			echo "birther: both disks of the root's mirror were away in turn; starting without $1"
		fi
	elif birther_alone "$2" 0; then
		found="$2"
		echo "birther: $1 of the root's mirror was away; starting without it"
	fi
}

birther_assemble()
{
	seconds=0
	while birther_members; [ $count -lt ${members.length} ]; do
		if [ $count -gt 0 ] && [ $seconds -ge ${otherMemberSeconds} ]; then
			echo "birther: only $found of the root's mirror is there; starting without the other one"
			break
		fi
		[ $seconds -lt ${memberSeconds} ] || panic "birther: expected a member of the root's mirror, found none"
		sleep 1
		seconds=$((seconds + 1))
	done
	[ $count -lt 2 ] || birther_choose $found
	array=""
	for member in $found; do
		for holder in "/sys/class/block/$member/holders/"md*; do
			[ ! -e "$holder" ] || array="\${holder##*/}"
		done
	done
	if [ -z "$array" ]; then
		array=${rootArrayName}
		echo "$array" >/sys/module/md_mod/parameters/new_array
		echo 1.2 >"/sys/block/$array/md/metadata_version"
	fi
	for member in $found; do
		[ ! -e "/sys/class/block/$member/holders/$array" ] || continue
		read -r number <"/sys/class/block/$member/dev"
		echo "$number" >"/sys/block/$array/md/new_dev" || echo "birther: $member does not belong to the root's mirror any more"
	done
	read -r state <"/sys/block/$array/md/array_state"
	case "$state" in
	clear | inactive) echo active >"/sys/block/$array/md/array_state" || panic "birther: the root's mirror does not start" ;;
	esac
	DEV="/dev/$array"
}

mountroot()
{
${load}
	birther_assemble
${open}
	local_mount_root
}
`;
}

const variables = "/sys/firmware/efi/efivars";

/** The commands that open the container, after others; the firmware's variables are there meanwhile if they hold the key. */
function aroundOpening(encryption: UnlockEncryption, before: readonly string[]): string {
  const commands = [...before, openCommands(encryption)];
  if ("fromTpm" in encryption) return commands.join("\n");
  const mount = `	mount -t efivarfs -o ro,nosuid,nodev,noexec efivarfs ${variables}`;
  return [mount, ...commands, `	umount ${variables}`].join("\n");
}

/** With sealing, our program takes the plain key where there is one: after a birth and a recovery, until the agent has sealed it. */
function openCommands(encryption: UnlockEncryption): string {
  const { keyBytes, mapping, libraries } = encryption;
  const loader = loaderName(libraries);
  const open = `DM_DISABLE_UDEV=1 /${home}/lib/${loader} --library-path /${home}/lib /${home}/bin/cryptsetup open --type luks2`;
  const byProgram = (option: string) => `	/${home}/bin/birther-js /${home}/agent.js ${option} | ${open} \\
		--key-file - --keyfile-size ${keyBytes} \\
		"$DEV" ${mapping} || panic "birther: no key opens $DEV in this boot; nothing is erased"`;
  if ("fromTpm" in encryption) return byProgram(tpmKeyOption);
  const { keyVariable, sealed } = encryption;
  if (sealed === undefined)
    return `	${open} \\
		--key-file "${variables}/${keyVariable}" --keyfile-offset 4 --keyfile-size ${keyBytes} \\
		"$DEV" ${mapping} || panic "birther: the key in NVRAM (${keyVariable}) does not open $DEV"`;
  const files = [keyVariable, sealed.variable].map((name) => `"${variables}/${name}"`).join(" ");
  return byProgram(`${unsealOption} ${files}`);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
