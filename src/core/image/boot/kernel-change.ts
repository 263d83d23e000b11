import type { UpdateStep } from "../update/update-step.ts";

/** Files that only a reboot brings into use. The Dominator's trigger for it: `/boot/vmlinuz-.*`, `/lib/modules/.*` with `DoReboot`. */
export const kernelFilePatterns: readonly RegExp[] = [
  /^\/boot\/(vmlinuz|initrd\.img|initramfs|System\.map)-/,
  /^(\/usr)?\/lib\/modules\//,
];

/** Whether carrying out the steps changes the kernel or what belongs to it. Metadata alone is no change. */
export function changesKernel(steps: readonly UpdateStep[]): boolean {
  return steps.some(
    (step) =>
      step.kind !== "setMetadata" &&
      step.kind !== "keepObject" &&
      kernelFilePatterns.some((pattern) => pattern.test(step.path)),
  );
}
