import type { DeviceKind } from "../../../core/erasure/device/device-erase.ts";
import { isAtaDisk } from "../disk/ata-disk.ts";
import { systemTree } from "../tree.ts";

/** By which commands a disk is asked; `taken` are the paths of all disks that are to be erased. */
export function deviceOf(path: string, taken: readonly string[]): DeviceKind {
  const name = nameOf(path);
  if (name.startsWith("nvme")) {
    const sameController = taken.filter((other) => controllerOf(other) === controllerOf(path));
    return { kind: "nvme", namespace: namespaceOf(path), taken: sameController.map(namespaceOf) };
  }
  if (!/^sd[a-z]+$/.test(name)) return { kind: "other" };
  return { kind: isAtaDisk(name) ? "ata" : "scsi" };
}

/** The names of disks that may erase themselves, also of those without a size. */
export function pathsOfDevices(): readonly string[] {
  const names = systemTree.list("/sys/block").filter((name) => /^(nvme\d+n\d+|sd[a-z]+)$/.test(name));
  return names.map((name) => `/dev/${name}`);
}

function nameOf(path: string): string {
  return path.replace(/^\/dev\//, "");
}

/** `nvme0` of /dev/nvme0n1: a controller, or a subsystem of several. */
function controllerOf(path: string): string | undefined {
  return /^nvme\d+/.exec(nameOf(path))?.[0];
}

function namespaceOf(path: string): number {
  return Number(systemTree.text(`/sys/block/${nameOf(path)}/nsid`).trim());
}
