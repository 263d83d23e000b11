import type { BootKernel } from "./grub.ts";

/**
 * The layout of the boot partition, which the agent derives from /boot on the root: each kernel in a directory of its own,
 * named by its content, and GRUB's files.
 */
export const bootPartition = {
  kernels: "/kernels",
  config: "/grub/grub.cfg",
  environment: "/grub/grubenv",
  /** The second initrd, beside the kernel that it belongs to. */
  unlockInitrd: "birther-unlock.img",
} as const;

/** A file of a kernel, by its name and SHA-512. */
export type KernelFile = { readonly name: string; readonly sha512: string };

/** A kernel on the boot partition. `names`: its files, in their directory. */
export type StoredKernel = BootKernel & { readonly id: string; readonly names: readonly string[] };

const idDigits = 32;

/** The name of a kernel's directory: a hash of its files, so that a directory tells by itself whether it is whole. */
export function kernelId(files: readonly KernelFile[], sha512: (text: string) => string): string {
  const lines = files.map((file) => `${file.name} ${file.sha512}\n`).sort();
  return sha512(lines.join("")).slice(0, idDigits);
}

/** The argument on the kernel's command line that names its directory. */
export function kernelArgument(id: string): string {
  return `birther.boot=${id}`;
}

/** The kernel that a command line names; undefined if the boot partition did not start it. */
export function kernelInCommandLine(commandLine: string): string | undefined {
  return /(?:^|\s)birther\.boot=([0-9a-f]{32})(?:\s|$)/.exec(commandLine)?.[1];
}
