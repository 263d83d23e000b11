import * as host from "host";
import { exists, makeDirectories } from "../system/files.ts";

/** Numbers of mount(2). */
const noSuid = 2;
const noDevices = 4;
const noExec = 8;
const move = 8192;

const kernelFileSystems = [
  { type: "proc", target: "/proc", flags: noSuid | noDevices | noExec, data: "" },
  { type: "sysfs", target: "/sys", flags: noSuid | noDevices | noExec, data: "" },
  { type: "devtmpfs", target: "/dev", flags: noSuid, data: "mode=0755" },
  { type: "tmpfs", target: "/run", flags: noSuid | noDevices, data: "mode=0755" },
] as const;

/** Mounts what every program expects: /proc, /sys, /dev and /run. */
export function mountKernelFileSystems(): void {
  for (const { type, target, flags, data } of kernelFileSystems) {
    makeDirectories(target);
    host.mount(type, target, type, flags, data);
  }
}

/** Moves them to the new root, with everything mounted in them. */
export function moveKernelFileSystems(newRoot: string): void {
  for (const { target } of kernelFileSystems) {
    makeDirectories(`${newRoot}${target}`);
    host.mount(target, `${newRoot}${target}`, "", move, "");
  }
}

/** Mounts the UEFI variables if the firmware has any; returns whether it does. */
export function mountEfiVariables(directory: string): boolean {
  if (!exists("/sys/firmware/efi")) return false;
  host.mount("efivarfs", directory, "efivarfs", noSuid | noDevices | noExec, "");
  return true;
}
