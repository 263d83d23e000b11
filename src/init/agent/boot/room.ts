import * as host from "host";
import * as os from "os";
import { contentAfter, namesAfter } from "../../../core/image/boot/after-update.ts";
import { bootKernels } from "../../../core/image/boot/grub.ts";
import { bootPartition } from "../../../core/image/boot/kernel-store.ts";
import type { UpdateStep } from "../../../core/image/update/update-step.ts";
import { rootPaths } from "../../../core/install/paths.ts";
import { encryptionOf, needsProgram } from "../../../core/install/root-volume.ts";
import { exists, list } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import { readKernelRecord, runningKernel } from "./kernel-record.ts";

/** Space for directories, the configuration, and the modules in the second initrd. */
const marginBytes = 4 << 20;

/** Throws if a kernel of this many bytes does not fit into the free bytes. */
export function demandRoom(version: string, bytes: number, freeBytes: number): void {
  const needed = bytes + marginBytes;
  if (freeBytes >= needed) return;
  const mebibytes = (count: number) => Math.ceil(count / 1048576);
  throw new Error(
    `boot partition: expected ${mebibytes(needed)} MiB for kernel ${version} beside the one that boots now, found ${mebibytes(freeBytes)} MiB; the machine keeps its kernel; use a smaller initrd, or raise storage.bootMiB and rebirth the machine`,
  );
}

/**
 * Throws if the kernel that an update leaves in /boot does not fit on the boot partition beside the one that boots now. Asked before
 * the first step; other kernels on the partition make room for it.
 */
export function checkRoom(
  { root, settings }: SubContext,
  steps: readonly UpdateStep[],
  partitions: readonly string[],
): void {
  const [kernel] = bootKernels(namesAfter(steps, agentPaths.boot, list(`${root}${agentPaths.boot}`)));
  if (kernel === undefined) return;
  const paths = [kernel.kernel, kernel.initrd].map((name) => `${agentPaths.boot}/${name}`);
  const contents = paths.map((path) => contentAfter(steps, path));
  // Nothing that the boot partition does not hold already.
  if (contents.every(({ kind }) => kind === "kept")) return;
  const sizes = contents.map((content, index) =>
    content.kind === "object" ? content.size : sizeOf(`${root}${paths[index]}`),
  );
  const encryption = encryptionOf(settings.root);
  const unlock = encryption === undefined ? [] : ["bin", "lib"].map((name) => `${root}${agentPaths.unlock}/${name}`);
  const hasProgram = encryption !== undefined && needsProgram(encryption);
  const unsealer = hasProgram ? [rootPaths.agent, rootPaths.agentScript].map((path) => sizeOf(`${root}${path}`)) : [];
  const bytes = sum([...sizes, ...unlock.map(bytesIn), ...unsealer]);
  for (const partition of partitions)
    demandRoom(kernel.version, bytes, host.statfs(partition).freeBytes + replaceableBytes(root, partition));
}

/** The bytes of the kernels on the boot partition that neither run nor are confirmed. */
function replaceableBytes(root: string, partition: string): number {
  const kernels = `${partition}${bootPartition.kernels}`;
  if (!exists(kernels)) return 0;
  const needed = [readKernelRecord(root).confirmed, runningKernel()];
  return sum(
    list(kernels)
      .filter((id) => !needed.includes(id))
      .map((id) => bytesIn(`${kernels}/${id}`)),
  );
}

function bytesIn(directory: string): number {
  return sum(list(directory).map((name) => sizeOf(`${directory}/${name}`)));
}

function sizeOf(path: string): number {
  return os.stat(path)[0]?.size ?? 0;
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
