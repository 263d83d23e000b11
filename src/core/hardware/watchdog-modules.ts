import type { Tree } from "./system-tree.ts";

/**
 * Watchdogs on a board's Super I/O chip (Nuvoton and Winbond, ITE, Fintek): ISA devices without an alias. Their drivers
 * look for the chip themselves and end with ENODEV where there is none.
 */
const superIoModules = ["w83627hf_wdt", "it87_wdt", "f71808e_wdt"] as const;

/** The kernel's own timer: resets a machine whose PID 1 hangs, not one whose kernel does. */
const softwareModule = "softdog";
const softwareIdentity = "Software Watchdog";

/** What a bound driver's directory holds besides its devices (Documentation/ABI/testing/sysfs-bus-platform). */
const driverFiles: readonly string[] = ["bind", "unbind", "uevent", "module"];

/**
 * The watchdog drivers to try in this order until one makes a device: none of them is asked for by a modalias. The
 * management controller's only where there is one, since ipmi_watchdog loads without and then waits for it.
 */
export function watchdogModules(tree: Tree): readonly WatchdogModule[] {
  const bound = ["platform", "pci"].flatMap((bus) => tree.list(`/sys/bus/${bus}/drivers/ipmi_si`));
  const interfaces = [...tree.list("/sys/class/ipmi"), ...bound.filter((name) => !driverFiles.includes(name))];
  return [
    ...(interfaces.length > 0 ? [{ module: "ipmi_watchdog", appearMs: 3000 }] : []),
    ...[...superIoModules, softwareModule].map((module) => ({ module, appearMs: 0 })),
  ];
}

/** A driver, and how long it may take to make its device: a management controller is slow to answer. */
export type WatchdogModule = { readonly module: string; readonly appearMs: number };

/** The watchdog that /dev/watchdog is, for the record; empty if there is none. ipmi_watchdog is outside of the class. */
export function scanWatchdog(tree: Tree): string {
  const [name] = tree.list("/sys/class/watchdog");
  if (name !== undefined) return watchdogText(tree.text(`/sys/class/watchdog/${name}/identity`).trim() || name);
  const ipmi = tree.list("/sys/module/ipmi_watchdog").length > 0 && tree.list("/sys/class/misc").includes("watchdog");
  return ipmi ? "IPMI" : "";
}

/** How the record calls a watchdog of this identity: one that is no hardware says so. */
function watchdogText(identity: string): string {
  return identity === softwareIdentity ? `${identity} (no hardware: does not reset a kernel that hangs)` : identity;
}
