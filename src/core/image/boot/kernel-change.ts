import type { UpdateStep } from "../update/update-step.ts";

/**
 * Files that take effect only after a reboot. The Dominator has equivalent triggers: `/boot/vmlinuz-.*` and
 * `/lib/modules/.*` with `DoReboot`.
 */
export const kernelFilePatterns: readonly RegExp[] = [
  /^\/boot\/(vmlinuz|initrd\.img|initramfs|System\.map)-/,
  /^(\/usr)?\/lib\/modules\//,
];

/** Whether the steps change the kernel or its files. A change of metadata alone does not count. */
export function changesKernel(steps: readonly UpdateStep[]): boolean {
  return steps.some(
    (step) =>
      step.kind !== "setMetadata" &&
      step.kind !== "keepObject" &&
      kernelFilePatterns.some((pattern) => pattern.test(step.path)),
  );
}
