/** LOG_DEBUG of syslog(3). */
export const debugPriority = 7;

/** A message of the kernel. */
export type KernelMessage = {
  /** syslog(3): 0 is an emergency, 3 an error, 6 information, 7 for debugging. */
  readonly priority: number;
  /** Milliseconds since the kernel's start. */
  readonly atMs: number;
  readonly text: string;
};

/** The priority of errors; those of worse have lower numbers. */
export const errorPriority = 3;

/**
 * Reads records of /dev/kmsg (Documentation/ABI/testing/dev-kmsg): `PREFIX,NUMBER,MICROSECONDS,FLAGS;TEXT`, and lines of
 * properties, which begin with a space and are left out. Messages that programs wrote are left out, too: init's own are logged anyway.
 */
export function readKernelMessages(records: string): readonly KernelMessage[] {
  return records.split("\n").flatMap((line): KernelMessage[] => {
    const [, prefix, microseconds, text] = /^(\d{1,6}),\d+,(\d{1,15}),[^;]*;(.*)$/.exec(line) ?? [];
    if (prefix === undefined || text === undefined) return [];
    // The facility is in the higher bits; the kernel's is 0.
    if (Number(prefix) >= 8) return [];
    return [{ priority: Number(prefix) & 7, atMs: Math.floor(Number(microseconds) / 1000), text: unescaped(text) }];
  });
}

/** The kernel writes control characters and backslashes as `\x1b`. */
function unescaped(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
