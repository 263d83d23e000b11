import { settingsRefused } from "../../birth/boot-settings.ts";
import { commonParametersOf } from "../../birth/signed-command-line.ts";
import { firstBiosDrive } from "../../hardware/bios-drives.ts";
import { buildImageFor, defaultArchitecture, type MachineArchitecture } from "../../machine/architecture.ts";
import type { Refusal } from "../../machine/event.ts";
import type { Firmware, Machine } from "../../machine/record.ts";
import { formatIpv4, formatPrefix, type Ipv4, prefixContains } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";
import { type Binding, type Network, type ServerPorts, temporaryBinding } from "../../network/network.ts";
import { intentFor } from "../answer.ts";
import { recordedBinding } from "../binding.ts";
import type { LocalMethod } from "../local-boot/method-table.ts";

/** The purpose of iPXE's script for a machine. */
export type ScriptPlan =
  | { readonly kind: "local" }
  /** Start the Bootstrap Image with the machine's single address. */
  | { readonly kind: "install"; readonly binding: Binding }
  /** Wait, then fetch the script again. */
  | { readonly kind: "wait"; readonly message: string; readonly next: string };

/** Paths of a Bootstrap Image's files on the HTTP server. */
export type ImagePaths = { readonly kernel: string; readonly initramfs: string };

/** Those of the default architecture's image; the last one is there only with firmware families. */
export const imagePaths = { kernel: "/vmlinuz", initramfs: "/initramfs.img", firmware: "/firmware.img" } as const;

/**
 * The program that finds out behind which controllers a UEFI firmware sees disks, beside the loaders on the HTTP server; not every
 * built image has it.
 */
export const diskListFile = "disk-list.efi";

const pathsByArchitecture: { readonly [A in MachineArchitecture]: ImagePaths } = {
  amd64: imagePaths,
  arm64: { kernel: "/arm64/vmlinuz", initramfs: "/arm64/initramfs.img" },
};

/** The paths of an architecture's image. */
export function imagePathsOf(architecture: MachineArchitecture = defaultArchitecture): ImagePaths {
  return pathsByArchitecture[architecture];
}

/** The file of the default architecture's image that a loader fetches last. */
export function lastImagePath(withFirmware: boolean): string {
  return withFirmware ? imagePaths.firmware : imagePaths.initramfs;
}

/** Seconds between two attempts of a machine that has to wait. */
export const waitSeconds = 30;

/**
 * Decides the purpose of a machine's script. `leased` is its address from another DHCP server: the peer address
 * of its connection, or the latest recorded one.
 */
export function planScript(
  machine: Machine,
  network: Network,
  given: { readonly mac: Mac; readonly leased?: Ipv4 | undefined },
): ScriptPlan {
  const { mac, leased = machine.temporaryAddress } = given;
  if (intentFor(machine, network, mac) === "local") return { kind: "local" };
  if (network.mode === "proxy") return planLeased(network, leased);
  const binding = recordedBinding(machine, network);
  if (binding === undefined)
    return { kind: "wait", message: "this machine has no address yet", next: "retrying in a moment" };
  return { kind: "install", binding };
}

/** The machine keeps the address that the other server leased; it is on the server's network and needs no gateway. */
function planLeased(network: Network, leased: Ipv4 | undefined): ScriptPlan {
  if (leased !== undefined && prefixContains(network.prefix, leased))
    return { kind: "install", binding: temporaryBinding(network, leased) };
  const found = leased === undefined ? "none" : formatIpv4(leased);
  const message = `expected an address of network ${network.name} (${formatPrefix(network.prefix)}), found ${found}`;
  return { kind: "wait", message, next: "set prefix of the network to the range that its DHCP server leases" };
}

/** The script of a machine that the server has no Bootstrap Image for. */
export function planWithoutImage(architecture: MachineArchitecture): ScriptPlan {
  return {
    kind: "wait",
    message: `this server has no Bootstrap Image for ${architecture}`,
    next: buildImageFor(architecture),
  };
}

/** The script after a refused order: the machine shows the reason, waits, and retries. */
export function planRefused(refusal: Refusal): ScriptPlan {
  return { kind: "wait", message: refusal.message, next: refusal.next };
}

/**
 * Sends the machine to its disk by one of iPXE's methods. A failure ends with an error status, after which the firmware
 * tries its next entry; success would leave UEFI in its menu (netboot.md §2.1).
 */
export function writeLocalScript(method: LocalMethod, firmware: Firmware, biosDrive = firstBiosDrive): string {
  if (method !== "scriptSanboot") return script(["exit 1"]);
  // The root disk if its number is known; UEFI's iPXE takes any number for the first local one.
  const drive = firmware === "bios" ? `0x${biosDrive.toString(16)}` : "0";
  return script([`sanboot --no-describe --drive ${drive} || exit 1`]);
}

/** Shows the reason, waits, and fetches the script again. */
export function writeWaitScript(plan: ScriptPlan & { kind: "wait" }, scriptUri: string): string {
  return script([
    `echo Birther: ${harmless(plan.message)}`,
    `echo Next: ${harmless(plan.next)}`,
    `sleep ${waitSeconds}`,
    `chain --replace ${scriptUri} || reboot`,
  ]);
}

/** The content of a machine's boot script. */
export type BootOrder = {
  readonly binding: Binding;
  readonly ports: ServerPorts;
  readonly mac: Mac;
  /** Whose Bootstrap Image; the default's if it is absent. */
  readonly architecture?: MachineArchitecture | undefined;
  /** Hex; single use. */
  readonly token: string;
  /** The server's time: the machine's clock may be wrong, and TLS needs a correct one. */
  readonly nowMs: number;
  /** The Bootstrap Image has a second archive with firmware. */
  readonly withFirmware?: boolean;
  /** The machine's firmware is asked first which disks it sees. */
  readonly withDiskList?: boolean;
};

/** The kernel parameters of the Bootstrap Image, for every loader; init reads them by core/birth/boot-settings.ts. */
export function kernelParameters({ binding, ports, mac, architecture, token, nowMs }: BootOrder): readonly string[] {
  const server = formatIpv4(binding.server);
  return [
    `birther.token=${token}`,
    `birther.mdb=${server}:${ports.machines}`,
    `birther.mac=${mac}`,
    `birther.ip=${formatIpv4(binding.address)}/${binding.prefix.length}`,
    ...(binding.gateway === undefined ? [] : [`birther.gw=${formatIpv4(binding.gateway)}`]),
    `birther.http=${server}:${ports.http}`,
    `birther.time=${Math.floor(nowMs / 1000)}`,
    ...(ports.log === undefined ? [] : [`birther.log=${server}:${ports.log}`]),
    ...commonParametersOf(architecture),
  ];
}

/**
 * Starts the Bootstrap Image. A failure leads to a restart and so to a new token, never to a prompt. The kernel unpacks the
 * archives in their order; a file of a later one replaces that of an earlier one.
 */
export function writeInstallScript(boot: BootOrder): string {
  const { kernel, initramfs } = imagePathsOf(boot.architecture);
  const archives = [initramfs, ...(boot.withFirmware === true ? [imagePaths.firmware] : [])];
  // The EFI stub finds the archives by these names, which iPXE takes from the end of the path; BIOS ignores them.
  const names = archives.map((path) => path.slice(path.lastIndexOf("/") + 1));
  const parameters = [...kernelParameters(boot), ...names.map((name) => `initrd=${name}`)];
  const site = `http://${formatIpv4(boot.binding.server)}:${boot.ports.http}`;
  return script([
    "imgfree",
    // Without an answer, all disks count as seen.
    ...(boot.withDiskList === true ? [`chain --autofree ${site}/${diskListFile} ||`] : []),
    `kernel ${site}${kernel} ${parameters.join(" ")} || goto failed`,
    ...archives.map((path) => `initrd ${site}${path} || goto failed`),
    "boot || goto failed",
    ":failed",
    "echo Birther: the Bootstrap Image could not be started; retrying",
    "sleep 10",
    "reboot",
  ]);
}

function script(lines: readonly string[]): string {
  return `${["#!ipxe", ...lines].join("\n")}\n`;
}

/** Text without characters that are special on the command lines of iPXE and GRUB: a word `;` ends a command of iPXE. */
export function harmless(text: string): string {
  return text
    .replace(/;/g, ",")
    .replace(/[^\w .,:/()+=-]/g, " ")
    .slice(0, 200);
}

/** The settings of a machine that runs the signed image, which has no place for them: one parameter a line. */
export const settingsWriter = {
  install: (boot: BootOrder) => `${kernelParameters(boot).join("\n")}\n`,
  local: () => `${settingsRefused("this machine is to start from its disk", "restarting")}\n`,
  wait: ({ message, next }: ScriptPlan & { kind: "wait" }) => `${settingsRefused(harmless(message), harmless(next))}\n`,
} as const;
