import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** QEMU without KVM and without devices of the lab: its serial console is standard output. */
const bare = [
  ...["-accel", "tcg", "-cpu", "max", "-m", "512"],
  ...["-display", "none", "-serial", "stdio", "-monitor", "none"],
] as const;

/** Starts a machine with these further arguments, and ends it after a time. Its output is text. */
export function startQemuOnConsole(
  more: readonly string[],
  limitMs: number,
): ChildProcessByStdio<null, Readable, null> {
  const qemu = spawn("qemu-system-x86_64", [...bare, ...more], { stdio: ["ignore", "pipe", "inherit"] });
  const timer = setTimeout(() => qemu.kill("SIGKILL"), limitMs);
  qemu.once("close", () => clearTimeout(timer));
  qemu.stdout.setEncoding("utf8");
  return qemu;
}
