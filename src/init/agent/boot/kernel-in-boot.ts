import * as host from "host";
import * as os from "os";
import { bootPartition, type KernelFile, kernelId, type StoredKernel } from "../../../core/image/boot/kernel-store.ts";
import { systemError } from "../../system/errno.ts";
import { copyFile, writeBytes } from "../../system/files.ts";
import { sha512Bytes, sha512Text } from "../../system/sha512.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import { bootableKernels } from "./bootable-kernels.ts";
import { makeUnlockInitrd } from "./unlock-initrd.ts";

/** A file of the kernel in /boot, and how to write it. */
type SourceFile = KernelFile & { readonly size: number; readonly write: (path: string) => void };

/** The kernel in /boot on the root, with the files that the boot partition needs of it. */
export type KernelInBoot = { readonly kernel: StoredKernel; readonly files: readonly SourceFile[] };

const fileMode = 0o600;

/** Reads the newest kernel in /boot, and makes its second initrd if the root is encrypted; `going` lists paths about to be removed. */
export function readKernelInBoot(context: SubContext, image: string, going: ReadonlySet<string>): KernelInBoot {
  const { root, settings } = context;
  const [kernel] = bootableKernels(context, image, going);
  const files = [kernel.kernel, kernel.initrd].map((name) => fileAt(`${root}${agentPaths.boot}/${name}`, name));
  if (settings.root.kind !== "plain") files.push(fileInMemory(makeUnlockInitrd(root, kernel.version, settings.root)));
  const id = kernelId(files, sha512Text);
  return { kernel: { ...kernel, id, names: files.map(({ name }) => name) }, files };
}

/** A file as a part of a kernel. Throws if it is not there. */
export function fileAt(path: string, name: string): SourceFile {
  const [stat, errno] = os.stat(path);
  if (stat === null) throw systemError(`stat ${path}`, errno);
  return { name, sha512: host.sha512File(path), size: stat.size, write: (to) => copyFile(path, to, fileMode) };
}

function fileInMemory(bytes: Uint8Array): SourceFile {
  const name = bootPartition.unlockInitrd;
  return { name, sha512: sha512Bytes(bytes), size: bytes.length, write: (to) => writeBytes(to, bytes, fileMode) };
}
