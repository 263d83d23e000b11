import { defaultArchitecture, type MachineArchitecture } from "../machine/architecture.ts";
import { keepWatchdogParameter } from "../modules/parameters.ts";
import { consolesOf } from "./consoles.ts";

const otherParameters = ["panic=30", keepWatchdogParameter] as const;

/** The kernel parameters that are the same for every amd64 machine and every loader. */
const commonParameters: readonly string[] = [...consolesOf("amd64"), ...otherParameters];

/** The kernel parameters that are the same for every machine of an architecture and every loader. */
export function commonParametersOf(architecture: MachineArchitecture = defaultArchitecture): readonly string[] {
  return [...consolesOf(architecture), ...otherParameters];
}

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
