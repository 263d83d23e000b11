import type { Refusal } from "../machine/event.ts";
import type { Machine } from "../machine/record.ts";
import { formatIpv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { intentFor } from "./answer.ts";
import { recordedBinding } from "./binding.ts";
import type { Binding, Network, ServerPorts } from "./network.ts";

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

/** Decides what the script of a machine is for. */
export function planScript(machine: Machine, network: Network): ScriptPlan {
  if (intentFor(machine, network) === "local") return { kind: "local" };
  const binding = recordedBinding(machine, network);
  if (binding === undefined)
    return { kind: "wait", message: "this machine has no address yet", next: "asking again in a moment" };
  return { kind: "install", binding };
}

/** The script that an order's refusal leads to: the machine waits in front of its reason and asks again. */
export function planRefused(refusal: Refusal): ScriptPlan {
  return { kind: "wait", message: refusal.message, next: refusal.next };
}

/**
 * Sends the machine to its own disk. On UEFI an error status makes the firmware try its next entry, while success would
 * leave it in its menu (netboot.md §2.1); on BIOS the first disk is started right here.
 */
export function writeLocalScript(): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is iPXE that fills this in
  return script(["iseq ${platform} efi && exit 1 ||", "sanboot --no-describe --drive 0x80 || exit 1"]);
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
};

/** What the Bootstrap Image's kernel is told, whichever loader starts it; init reads it in core/install/boot-settings.ts. */
export function kernelParameters({ binding, ports, mac, token }: BootOrder): readonly string[] {
  const server = formatIpv4(binding.server);
  return [
    `birther.token=${token}`,
    `birther.mdb=${server}:${ports.machines}`,
    `birther.mac=${mac}`,
    `birther.ip=${formatIpv4(binding.address)}/${binding.prefix.length}`,
    ...(binding.gateway === undefined ? [] : [`birther.gw=${formatIpv4(binding.gateway)}`]),
    `birther.http=${server}:${ports.http}`,
    "console=tty0",
    "console=ttyS0,115200n8",
    "panic=30",
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
