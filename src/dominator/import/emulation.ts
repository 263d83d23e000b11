import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import type { MachineArchitecture } from "../../core/machine/architecture.ts";
import { emulationPackages } from "./packages.ts";

/** Node's names (`process.arch`) of the architectures. */
const hosts: { readonly [A in MachineArchitecture]: string } = { amd64: "x64", arm64: "arm64" };

/** What binfmt.d(5) of `qemu-user-static` has for the programs of each architecture. */
const registrations: { readonly [A in MachineArchitecture]: string } = {
  amd64: "/usr/lib/binfmt.d/qemu-x86_64.conf",
  arm64: "/usr/lib/binfmt.d/qemu-aarch64.conf",
};

/**
 * What QEMU takes from the environment of emulated programs. A Cortex-A72 has no pointer authentication, whose
 * arithmetic QEMU computes in software and which Debian 13's programs use: a loop in Perl took 0.25 s of CPU time
 * instead of 3.9 s (QEMU 7.2; QEMU's manual, "Arm CPU Features").
 */
const environments: { readonly [A in MachineArchitecture]: { readonly [name: string]: string } } = {
  amd64: {},
  arm64: { QEMU_CPU: "cortex-a72" },
};

const register = "/proc/sys/fs/binfmt_misc/register";

/** Whether this computer's own processor does not run the programs of an architecture. */
export function isForeign(architecture: MachineArchitecture): boolean {
  return hosts[architecture] !== process.arch;
}

/** The environment in which programs of an architecture run fast here; empty for this computer's own. */
export function environmentFor(architecture: MachineArchitecture): { readonly [name: string]: string } {
  return isForeign(architecture) ? environments[architecture] : {};
}

/**
 * Has the kernel start programs of an architecture by QEMU (binfmt_misc). systemd does so at each start of a computer; a
 * computer without it, or one whose package was installed while its services were kept off, is not told otherwise. Needs
 * root. Throws an error that names the packages to install.
 */
export async function emulate(architecture: MachineArchitecture): Promise<void> {
  if (await runs(architecture)) return;
  const cause = await registerIn(registrations[architecture]).catch((fault: unknown) => fault);
  if (await runs(architecture)) return;
  throw new Error(
    `expected this computer to run programs for ${architecture}, found that it does not; ` +
      `run apt-get install ${emulationPackages.join(" ")}, and in a container repeat the command outside`,
    { cause },
  );
}

/** Whether a small program of an architecture runs; arch-test(1) has one for each. */
async function runs(architecture: MachineArchitecture): Promise<boolean> {
  return (await statusOf(["arch-test", architecture])) === 0;
}

/** Gives the kernel what systemd-binfmt(8) would. */
async function registerIn(file: string): Promise<void> {
  const text = await readFile(file, "utf8");
  await statusOf(["modprobe", "--quiet", "binfmt_misc"]);
  const isMounted = (await readFile("/proc/self/mounts", "utf8")).includes(" binfmt_misc ");
  if (!isMounted) await statusOf(["mount", "-t", "binfmt_misc", "binfmt_misc", "/proc/sys/fs/binfmt_misc"]);
  for (const line of text.split("\n")) if (line.startsWith(":")) await writeFile(register, line);
}

/** The exit status of a command; undefined if it cannot be started or is ended by a signal. */
function statusOf([command = "", ...options]: readonly string[]): Promise<number | undefined> {
  const child = spawn(command, options, { stdio: "ignore" });
  return new Promise((resolve) => {
    child.on("error", () => resolve(undefined));
    child.on("close", (code) => resolve(code ?? undefined));
  });
}
