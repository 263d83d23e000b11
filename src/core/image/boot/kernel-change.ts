import type { UpdateStep } from "../update/update-step.ts";

/**
 * Files that take effect only after a reboot. The Dominator has equivalent triggers: `/boot/vmlinuz-.*` and
 * `/lib/modules/.*` with `DoReboot`.
 */
const bootFile = /^\/boot\/(vmlinuz|initrd\.img|initramfs|System\.map)-/;
const moduleFile = /^(\/usr)?\/lib\/modules\//;

/**
 * Whether the steps change the kernel or its files. A change of metadata alone does not count, and neither does the removal of
 * modules: those of a kernel that no longer runs go after the restart.
 */
export function changesKernel(steps: readonly UpdateStep[]): boolean {
  return steps.some((step) => {
    if (step.kind === "setMetadata" || step.kind === "keepObject") return false;
    const isRemoval = step.kind === "removeFile" || step.kind === "removeDirectory";
    return bootFile.test(step.path) || (!isRemoval && moduleFile.test(step.path));
  });
}
