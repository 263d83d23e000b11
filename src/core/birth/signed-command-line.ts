import { keepWatchdogParameter } from "../modules/parameters.ts";

/** The kernel parameters that are the same for every machine and every loader. */
export const commonParameters: readonly string[] = [
  "console=tty0",
  "console=ttyS0,115200n8",
  "panic=30",
  keepWatchdogParameter,
];

/** Tells init that its command line is signed, and therefore names no machine: it asks the wire for its settings. */
const signedParameter = "birther.signed=1";

/** The command line of the signed image: all of it is under the signature. */
export const signedCommandLine = [signedParameter, ...commonParameters].join(" ");

/**
 * Whether /proc/cmdline is that of a signed image. It must be equal, because a loader that can add a word could also
 * replace init.
 */
export function isSignedCommandLine(commandLine: string): boolean {
  return commandLine.trim() === signedCommandLine;
}
