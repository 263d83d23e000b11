import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const startMs = 120_000;
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
    for (const endMs = performance.now() + startMs; !(await isListening(socket)); await setTimeout(lookEveryMs)) {
      const { exitCode, signalCode } = child;
      if ((exitCode ?? signalCode) !== null)
        throw new Error(`starting a TPM: swtpm ended with ${signalCode ?? `status ${exitCode}`}`);
      if (performance.now() > endMs) throw new Error(`starting a TPM: expected ${socket} within ${startMs / 1000} s`);
    }
  };
}

/** Flag of a socket that listens (linux/net.h, __SO_ACCEPTCON), as /proc/net/unix shows it. */
const listening = "00010000";

/**
 * Whether a Unix socket accepts connections. Its file is there earlier, between swtpm's bind(2) and listen(2), when a QEMU would
 * be refused; and a connection to find out would be the one that swtpm ends with.
 */
async function isListening(path: string): Promise<boolean> {
  const sockets = (await readFile("/proc/net/unix", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
  return sockets.some((fields) => fields[3] === listening && fields.slice(7).join(" ") === path);
}
