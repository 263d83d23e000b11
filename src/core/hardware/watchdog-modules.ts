import type { Tree } from "./system-tree.ts";

/**
 * Watchdogs on a board's Super I/O chip (Nuvoton and Winbond, ITE, Fintek): ISA devices without an alias. Their drivers
 * probe for the chip and fail with ENODEV without one.
 */
const superIoModules = ["w83627hf_wdt", "it87_wdt", "f71808e_wdt"] as const;

/** The kernel's own timer: resets a machine whose PID 1 hangs, not one whose kernel does. */
const softwareModule = "softdog";
const softwareIdentity = "Software Watchdog";

/** The kernel's ways to a management controller: ports and memory, or SMBus (SSIF), as arm64 servers have it. */
const controllerDrivers = ["platform/drivers/ipmi_si", "pci/drivers/ipmi_si", "i2c/drivers/ipmi_ssif"] as const;

/** What a bound driver's directory holds besides its devices (Documentation/ABI/testing/sysfs-bus-platform). */
const driverFiles: readonly string[] = ["bind", "unbind", "uevent", "module"];

/**
 * The watchdog drivers to try in this order until one creates a device; no modalias requests them. The driver of the
 * management controller only if there is one, because ipmi_watchdog also loads without it and then waits for it.
 */
export function watchdogModules(tree: Tree): readonly WatchdogModule[] {
  const bound = controllerDrivers.flatMap((path) => tree.list(`/sys/bus/${path}`));
  const interfaces = [...tree.list("/sys/class/ipmi"), ...bound.filter((name) => !driverFiles.includes(name))];
  return [
    ...(interfaces.length > 0 ? [{ module: "ipmi_watchdog", appearMs: 3000 }] : []),
    ...[...superIoModules, softwareModule].map((module) => ({ module, appearMs: 0 })),
  ];
}

/** A driver, and its time limit for creating a device: a management controller answers slowly. */
export type WatchdogModule = { readonly module: string; readonly appearMs: number };

/** The watchdog that /dev/watchdog is, for the record; empty if there is none. ipmi_watchdog is outside of the class. */
export function scanWatchdog(tree: Tree): string {
  const [name] = tree.list("/sys/class/watchdog");
  if (name !== undefined) return watchdogText(tree.text(`/sys/class/watchdog/${name}/identity`).trim() || name);
  const ipmi = tree.list("/sys/module/ipmi_watchdog").length > 0 && tree.list("/sys/class/misc").includes("watchdog");
  return ipmi ? "IPMI" : "";
}

/** The name of a watchdog in the record; a software watchdog is marked as such. */
function watchdogText(identity: string): string {
  return identity === softwareIdentity ? `${identity} (software: cannot reset a kernel that hangs)` : identity;
}
