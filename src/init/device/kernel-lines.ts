import { debugPriority, type KernelMessage } from "../../core/hardware/kernel-log.ts";
import { lineCharacters } from "../../core/machine/log-line.ts";

/**
 * What the kernel has said, as lines beside init's own, with the same clock; not what only a developer of drivers reads. Of more than
 * `most`, the newest, and `left` says how many are not among them.
 */
export function kernelLines(
  messages: readonly KernelMessage[],
  most: number,
): { readonly lines: readonly string[]; readonly left: number } {
  const shown = messages.filter(({ priority }) => priority < debugPriority);
  const lines = shown.slice(-most).map(({ atMs, text }) => describeKernel(atMs, text.slice(0, lineCharacters)));
  return { lines, left: shown.length - lines.length };
}

function describeKernel(atMs: number, text: string): string {
  return `[${(atMs / 1000).toFixed(1).padStart(6)}] kernel: ${text}`;
}
