import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readlink, rm, symlink, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exitStatus } from "../../cli/api/failure.ts";
import { runningDemo } from "../../contract/lab.ts";
import { startInNamespace } from "../../lab/namespace.ts";
import { openHostRelay } from "./dashboard-relay.ts";
import type { DemoOptions } from "./options.ts";
import { prepareDemo } from "./prepare-demo.ts";
import type { DemoSession } from "./session.ts";
import { openSteps } from "./steps.ts";

/**
 * Runs the whole demo; resolves with the exit status (session.ts). Removes everything it made unless told to keep it.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const directory = await openDirectory(options.directory);
  // Until the namespace exists, the first Ctrl-C ends us; after that the process inside decides (inside.ts).
  let abandoned = false;
  const abandon = () => {
    abandoned = true;
    process.stderr.write("\n");
    void cleanUp(directory, options.keep ? "all" : "nothing").finally(() => process.exit(exitStatus.interrupted));
  };
  process.once("SIGINT", abandon).once("SIGTERM", abandon);
  let status = 1;
  let ran = false;
  try {
    await prepareDemo(directory, openSteps(process.stderr));
    process.off("SIGINT", abandon).off("SIGTERM", abandon);
    if (!options.once) await announce(directory);
    await using relay = await openHostRelay(directory);
    ran = true;
    status = await runInside({ options, directory, dashboardBase: relay.base });
  } catch (error) {
    // The running work received the same Ctrl-C, so its failure needs no report.
    if (!abandoned) throw error;
    status = exitStatus.interrupted;
  } finally {
    await cleanUp(directory, options.keep ? "all" : ran && status === 1 ? "logs" : "nothing");
  }
  return status;
}

/** Runs the session in a namespace and forwards signals to it. */
async function runInside(session: DemoSession): Promise<number> {
  const entry = join(import.meta.dirname, "inside.ts");
  const argv = [process.execPath, "--disable-warning=ExperimentalWarning", entry, JSON.stringify(session)];
  const inside = startInNamespace(argv, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  let signals = 0;
  // The process inside receives Ctrl-C too, but not a signal sent to us alone. The count lets it recognise both as one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      signals += 1;
      // The session ends at the second signal; if it does not, the third ends its namespace.
      if (signals > 2) inside.kill("SIGKILL");
      else if (inside.connected) inside.send(signals);
    });
  }
  const [status] = (await once(inside, "exit")) as [number | null];
  return status ?? exitStatus.interrupted;
}

async function openDirectory(given: string | undefined): Promise<string> {
  // Not /tmp, which may be in memory: the disks take several GiB.
  if (given === undefined) return mkdtemp(join(process.env.TMPDIR ?? "/var/tmp", "birther-demo-"));
  await mkdir(given, { recursive: true });
  if ((await readdir(given)).length > 0)
    throw new Error(`--directory: expected an empty or new directory, found files in ${given}`);
  return given;
}

/**
 * Lets `birther machines`, `birther lab` and others in another terminal find this demo. A newer demo takes over the
 * name.
 */
async function announce(directory: string): Promise<void> {
  await mkdir(dirname(runningDemo), { recursive: true });
  await rm(runningDemo, { force: true });
  await symlink(directory, runningDemo);
}

/** Removes the demo's directory, or only its large files after a failure; prints what it keeps. */
async function cleanUp(directory: string, keep: "all" | "logs" | "nothing"): Promise<void> {
  if ((await readlink(runningDemo).catch(() => "")) === directory) await unlink(runningDemo);
  if (keep === "nothing") {
    await rm(directory, { recursive: true, force: true });
    return;
  }
  if (keep === "logs") {
    for (const entry of await readdir(directory, { recursive: true })) {
      if (/\.(raw|fd|sock)$/.test(entry)) await rm(join(directory, entry), { force: true });
    }
  }
  process.stderr.write(`${keep === "all" ? "disks, logs and state" : "logs and state"} are in ${directory}\n`);
}
