import { efivarsDirectory, seenDisksVariable, variableValueAt } from "../boot-loader/efi-variable.ts";
import type { Tree } from "./system-tree.ts";

/** The only format of the variable's value (bootstrap-image/loader/disk-list.c), its first byte. */
const format = 1;

/** A PCI device and function, as the kernel writes them: `1f.2`. */
type PciFunction = string;
/** The functions from a root bridge to a device, the bridges first. */
type Chain = readonly PciFunction[];

/**
 * The PCI functions behind which a UEFI firmware sees disks, as disk-list.efi found them before the kernel started; undefined if
 * the program did not run, or its list cannot be read.
 */
export function firmwareSight(tree: Tree): readonly Chain[] | undefined {
  const value = tree.text(`${efivarsDirectory}/${seenDisksVariable}`).slice(variableValueAt);
  if (value.charCodeAt(0) !== format) return undefined;
  const chains: Chain[] = [];
  for (let at = 1; at < value.length; ) {
    const functions = value.charCodeAt(at);
    const bytes = value.slice(at + 1, at + 1 + 2 * functions);
    if (functions === 0 || bytes.length < 2 * functions) return undefined;
    chains.push(Array.from({ length: functions }, (_, nth) => functionAt(bytes, 2 * nth)));
    at += 1 + 2 * functions;
  }
  return chains;
}

function functionAt(bytes: string, at: number): PciFunction {
  return `${bytes.charCodeAt(at).toString(16).padStart(2, "0")}.${bytes.charCodeAt(at + 1).toString(16)}`;
}

/**
 * Whether a firmware that sees these has no driver for the controller of a disk. The paths of kernel and firmware may end at
 * different devices, as behind a volume management device, so one may be the beginning of the other. Root bridges are not
 * compared, because the two number them differently: at worst, a disk counts as seen that is not.
 */
export function isUnseen(devicePath: string, sight: readonly Chain[]): boolean {
  const own = [...devicePath.matchAll(/(?:^|\/)[0-9a-f]{4,}:[0-9a-f]{2}:([0-9a-f]{2}\.[0-7])(?=\/|$)/g)].map(
    ([, found = ""]) => found,
  );
  if (own.length === 0) return false;
  return !sight.some((chain) => chain.every((one, nth) => nth >= own.length || one === own[nth]));
}
