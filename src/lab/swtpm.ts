import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const startMs = 20_000;
const lookEveryMs = 50;

/**
 * Returns a function that starts a machine's TPM 2.0 (Debian's swtpm), which QEMU controls by the socket. It ends when QEMU
 * disconnects; its seeds lie in the state directory. Throws if it does not start.
 */
export function swtpmStarter(stateDirectory: string, socket: string): () => Promise<void> {
  let ended: Promise<unknown> = Promise.resolve();

  return async () => {
    // The one before locks the state until it has noticed that its QEMU is gone.
    await ended;
    await mkdir(stateDirectory, { recursive: true });
    await rm(socket, { force: true });
    const argv = ["socket", "--tpm2", "--terminate", "--tpmstate", `dir=${stateDirectory}`];
    const child = spawn("swtpm", [...argv, "--ctrl", `type=unixio,path=${socket}`], { stdio: "ignore" });
    ended = new Promise((resolve) => child.once("close", resolve));
    await once(child, "spawn").catch((cause) => {
      throw new Error("starting a TPM: expected the program swtpm, found none; install Debian's package swtpm", {
        cause,
      });
    });
    for (const endMs = performance.now() + startMs; !(await isThere(socket)); await setTimeout(lookEveryMs)) {
      if (child.exitCode !== null) throw new Error(`starting a TPM: swtpm ended with status ${child.exitCode}`);
      if (performance.now() > endMs) throw new Error(`starting a TPM: expected ${socket} within ${startMs / 1000} s`);
    }
  };
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
