import { readText } from "./files.ts";

/** The version of the running kernel, as its directory of modules is called (uname -r). */
export function kernelRelease(): string {
  return readText("/proc/sys/kernel/osrelease").trim();
}
