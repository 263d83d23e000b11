import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Log } from "../core/ports.ts";

/**
 * Installs the missing Debian packages and logs the progress. Throws an error that names the command to run when
 * apt-get is missing or fails, or when we are not root.
 */
export async function ensurePackages(packages: readonly string[], log: Log): Promise<void> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return;
  const command = `apt-get install ${missing.join(" ")}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`Debian packages are missing, and only root can install them. Run: sudo ${command}`);
  }
  log("info", "installing Debian packages", { packages: missing.join(" ") });
  if (missing.includes("postgresql")) await keepClusterAway();
  try {
    await using _ = await keepServicesOff();
    await runApt(["update"], log);
    await runApt(["install", "--yes", "--no-install-recommends", ...missing], log);
  } catch (cause) {
    throw new Error(`installing Debian packages failed. To see why, run: ${command}`, { cause });
  }
  log("info", "Debian packages are installed", { count: missing.length });
}

/** Forbids invoke-rc.d(8) to start services, until disposal. */
async function keepServicesOff(): Promise<AsyncDisposable> {
  const policy = "/usr/sbin/policy-rc.d";
  // Under systemd, SYSTEMD_OFFLINE is enough; without, as in a container, the scripts in /etc/init.d would run.
  const isOurs = !existsSync("/run/systemd/system") && !existsSync(policy);
  if (isOurs) await writeFile(policy, "#!/bin/sh\nexit 101\n", { flag: "wx", mode: 0o755 });
  return { [Symbol.asyncDispose]: () => (isOurs ? rm(policy) : Promise.resolve()) };
}

/**
 * Debian's PostgreSQL packages create and start a database cluster on installation unless this file forbids it
 * (pg_createcluster(1)).
 */
async function keepClusterAway(): Promise<void> {
  await mkdir("/etc/postgresql-common", { recursive: true });
  const own = { flag: "wx" } as const;
  await writeFile("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n", own).catch(
    (cause: NodeJS.ErrnoException) => {
      // Keeps a file that already exists.
      if (cause.code !== "EEXIST") throw cause;
    },
  );
}

/** The packages among `names` that dpkg does not have installed. */
async function missingPackages(packages: readonly string[]): Promise<string[]> {
  const wanted = [...new Set(packages)];
  const installed = new Set<string>();
  // dpkg-query exits with 1 when it does not know a package, but still lists the others.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the braces are dpkg-query's
  const format = "${binary:Package} ${db:Status-Status}\n";
  await run("dpkg-query", ["--show", `--showformat=${format}`, ...wanted], (line) => {
    const [name = "", status] = line.split(" ");
    if (status === "installed") installed.add(name.replace(/:.*$/, ""));
  });
  return wanted.filter((name) => !installed.has(name));
}

/** The lines of apt's output that show its progress. */
const progress = /^(Get:|Fetched|Unpacking|Setting up|Need to get)/;
const keptLines = 12;

async function runApt(arguments_: readonly string[], log: Log): Promise<void> {
  const last: string[] = [];
  // Another apt (unattended-upgrades, soon after boot) may hold the lock for a while.
  const status = await run("apt-get", ["--option", "DPkg::Lock::Timeout=300", ...arguments_], (line) => {
    last.push(line);
    if (last.length > keptLines) last.shift();
    if (progress.test(line)) log("debug", line);
  });
  if (status !== 0)
    throw new Error(`apt-get ${arguments_[0]}: expected exit status 0, found ${status}:\n${last.join("\n")}`);
}

/** Runs a command and passes each line of its output to `onLine`; resolves with its exit status. */
async function run(command: string, arguments_: readonly string[], onLine: (line: string) => void): Promise<number> {
  const child = spawn(command, arguments_, {
    stdio: ["ignore", "pipe", "pipe"],
    // A package must not start its service: this computer may be in use (systemctl(1);
    // `keepServicesOff` where there is no systemd).
    env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive", SYSTEMD_OFFLINE: "1" },
  });
  return await new Promise((resolve, reject) => {
    child.on("error", (cause) => reject(new Error(`cannot run ${command}; this step needs Debian`, { cause })));
    // Where no descriptor is free, it has no streams.
    if (child.pid === undefined) return;
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("error", reject).on("line", onLine);
    child.on("close", (status) => resolve(status ?? 1));
  });
}
