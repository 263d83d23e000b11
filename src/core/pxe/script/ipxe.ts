import type { Refusal } from "../../machine/event.ts";
import type { Firmware, Machine } from "../../machine/record.ts";
import { keepWatchdogParameter } from "../../modules/parameters.ts";
import { formatIpv4, formatPrefix, parseIpv4, prefixContains } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";
import { type Binding, type Network, type ServerPorts, temporaryBinding } from "../../network/network.ts";
import { intentFor } from "../answer.ts";
import { recordedBinding } from "../binding.ts";
import type { LocalMethod } from "../local-boot/method-table.ts";

/** What iPXE's script for a machine has to do. */
export type ScriptPlan =
  | { readonly kind: "local" }
  /** Start the Bootstrap Image with the machine's one address. */
  | { readonly kind: "install"; readonly binding: Binding }
  /** Nothing can be done yet; ask again. */
  | { readonly kind: "wait"; readonly message: string; readonly next: string };

/** Paths of the Bootstrap Image's two files on the HTTP server. */
export const imagePaths = { kernel: "/vmlinuz", initramfs: "/initramfs.img" } as const;

/** Seconds between two attempts of a machine that has to wait. */
export const waitSeconds = 30;

/**
 * Decides what the script of a machine is for. `leased` is the address that it uses where another DHCP server leases
 * them, dotted quad: as the other end of its connection, or the last one that was noted.
 */
export function planScript(
  machine: Machine,
  network: Network,
  asked: { readonly mac: Mac; readonly leased?: string | undefined },
): ScriptPlan {
  const { mac, leased = machine.temporaryAddress } = asked;
  if (intentFor(machine, network, mac) === "local") return { kind: "local" };
  if (network.mode === "proxy") return planLeased(network, leased);
  const binding = recordedBinding(machine, network);
  if (binding === undefined)
    return { kind: "wait", message: "this machine has no address yet", next: "asking again in a moment" };
  return { kind: "install", binding };
}

/** The machine keeps what the other server leased to it; we and it are on one wire, so it needs no gateway to us. */
function planLeased(network: Network, leased: string | undefined): ScriptPlan {
  const address = leased === undefined ? undefined : parseIpv4(leased);
  if (address !== undefined && prefixContains(network.prefix, address))
    return { kind: "install", binding: temporaryBinding(network, address) };
  const message = `its address ${leased ?? ""} is not of network ${network.name}, ${formatPrefix(network.prefix)}`;
  return { kind: "wait", message, next: "set prefix of the network to what its DHCP server leases" };
}

/** The script that an order's refusal leads to: the machine waits in front of its reason and asks again. */
export function planRefused(refusal: Refusal): ScriptPlan {
  return { kind: "wait", message: refusal.message, next: refusal.next };
}

/**
 * Sends the machine to its own disk by a method of iPXE's; what does not work ends in an error status, after which the
 * firmware tries its next entry. Success would leave UEFI in its menu (netboot.md §2.1).
 */
export function writeLocalScript(method: LocalMethod, firmware: Firmware): string {
  if (method !== "scriptSanboot") return script(["exit 1"]);
  // The first disk: BIOS numbers disks from 0x80; UEFI's iPXE takes any number for the first local one.
  return script([`sanboot --no-describe --drive ${firmware === "bios" ? "0x80" : "0"} || exit 1`]);
}

/** Shows why nothing happens, waits, and asks for the script again. */
export function writeWaitScript(plan: ScriptPlan & { kind: "wait" }, scriptUri: string): string {
  return script([
    `echo Birther: ${harmless(plan.message)}`,
    `echo Next: ${harmless(plan.next)}`,
    `sleep ${waitSeconds}`,
    `chain --replace ${scriptUri} || reboot`,
  ]);
}

/** What a machine's boot script is made of. */
export type BootOrder = {
  readonly binding: Binding;
  readonly ports: ServerPorts;
  readonly mac: Mac;
  /** Hex; single use. */
  readonly token: string;
  /** The machine's clock may be anywhere, and it needs one before there is TLS. */
  readonly nowMs: number;
};

/** What the Bootstrap Image's kernel is told, whichever loader starts it; init reads it in core/install/boot-settings.ts. */
export function kernelParameters({ binding, ports, mac, token, nowMs }: BootOrder): readonly string[] {
  const server = formatIpv4(binding.server);
  return [
    `birther.token=${token}`,
    `birther.mdb=${server}:${ports.machines}`,
    `birther.mac=${mac}`,
    `birther.ip=${formatIpv4(binding.address)}/${binding.prefix.length}`,
    ...(binding.gateway === undefined ? [] : [`birther.gw=${formatIpv4(binding.gateway)}`]),
    `birther.http=${server}:${ports.http}`,
    `birther.time=${Math.floor(nowMs / 1000)}`,
    "console=tty0",
    "console=ttyS0,115200n8",
    "panic=30",
    keepWatchdogParameter,
  ];
}

/** Starts the Bootstrap Image. What fails leads to a restart and so to a fresh token, never to a prompt. */
export function writeInstallScript(boot: BootOrder): string {
  // The EFI stub finds the initramfs by this name; on BIOS it means nothing.
  const parameters = [...kernelParameters(boot), "initrd=initramfs.img"];
  const site = `http://${formatIpv4(boot.binding.server)}:${boot.ports.http}`;
  return script([
    "imgfree",
    `kernel ${site}${imagePaths.kernel} ${parameters.join(" ")} || goto failed`,
    `initrd ${site}${imagePaths.initramfs} || goto failed`,
    "boot || goto failed",
    ":failed",
    "echo Birther: the Bootstrap Image could not be started; trying again",
    "sleep 10",
    "reboot",
  ]);
}

function script(lines: readonly string[]): string {
  return `${["#!ipxe", ...lines].join("\n")}\n`;
}

/** Text that the command lines of iPXE and GRUB take as words only. */
export function harmless(text: string): string {
  return text.replace(/[^\w .,:;/()+=-]/g, " ").slice(0, 200);
}
