import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";

import { emulator } from "../../src/lab/qemu-arguments.ts";

/** QEMU without KVM and without devices of the lab: its serial console is standard output. */
const bare = [
  ...["-accel", emulator, "-cpu", "max", "-m", "512"],
  ...["-display", "none", "-serial", "stdio", "-monitor", "none"],
] as const;

/** Starts a machine with these further arguments, and ends it after a time. Its output is text. */
export function startQemuOnConsole(
  more: readonly string[],
  limitMs: number,
): ChildProcessByStdio<null, Readable, null> {
  // It ends with this process, however that ends.
  const argv = ["--pdeathsig", "TERM", "--", "qemu-system-x86_64", ...bare, ...more];
  const qemu = spawn("setpriv", argv, { stdio: ["ignore", "pipe", "inherit"] });
  const timer = setTimeout(() => qemu.kill("SIGKILL"), limitMs);
  qemu.once("close", () => clearTimeout(timer));
  qemu.stdout.setEncoding("utf8");
  return qemu;
}
