import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { hostPackages } from "../bootstrap-image/packages.ts";
import type { Log } from "../core/ports.ts";
import { dominatorPackages } from "../dominator/import/packages.ts";

/** Debian packages that each verb needs on this computer, beyond npm's. */
export const packagesOf = {
  "image build": hostPackages,
  serve: [...hostPackages, "ipxe"],
  demo: [
    ...hostPackages,
    ...dominatorPackages.map(({ name }) => name),
    ...["ipxe", "ipxe-qemu", "ovmf", "qemu-system-x86", "seabios", "iproute2", "util-linux", "coreutils"],
  ],
} as const;

/**
 * Installs those Debian packages that are not there yet, with their progress in the log. Throws, with the command to
 * run, when there is no apt-get, we are not root, or it fails.
 */
export async function ensurePackages(packages: readonly string[], log: Log): Promise<void> {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return;
  const command = `apt-get install ${missing.join(" ")}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`Debian packages are missing, and only root may install them. Run: sudo ${command}`);
  }
  log("info", "installing Debian packages", { packages: missing.join(" ") });
  if (missing.includes("postgresql")) await keepClusterAway();
  try {
    await runApt(["update"], log);
    await runApt(["install", "--yes", "--no-install-recommends", ...missing], log);
  } catch (cause) {
    throw new Error(`Debian packages could not be installed. See why with: ${command}`, { cause });
  }
  log("info", "Debian packages are installed", { count: missing.length });
}

/** Debian's PostgreSQL makes and starts a database cluster when it is installed, unless this file says no (pg_createcluster(1)). */
async function keepClusterAway(): Promise<void> {
  await mkdir("/etc/postgresql-common", { recursive: true });
  const own = { flag: "wx" } as const;
  await writeFile("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n", own).catch(
    (cause: NodeJS.ErrnoException) => {
      // Somebody's own is left as it is.
      if (cause.code !== "EEXIST") throw cause;
    },
  );
}

/** Those that dpkg does not have installed. */
async function missingPackages(packages: readonly string[]): Promise<string[]> {
  const wanted = [...new Set(packages)];
  const installed = new Set<string>();
  // dpkg-query ends with 1 when it does not know one of them, and lists the others all the same.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the braces are dpkg-query's
  const format = "${binary:Package} ${db:Status-Status}\n";
  await run("dpkg-query", ["--show", `--showformat=${format}`, ...wanted], (line) => {
    const [name = "", status] = line.split(" ");
    if (status === "installed") installed.add(name.replace(/:.*$/, ""));
  });
  return wanted.filter((name) => !installed.has(name));
}

/** Lines of apt that tell how far it is. */
const progress = /^(Get:|Fetched|Unpacking|Setting up|Need to get)/;
const keptLines = 12;

async function runApt(arguments_: readonly string[], log: Log): Promise<void> {
  const last: string[] = [];
  // Another apt (unattended-upgrades, at a fresh start) may hold the lock for a while.
  const status = await run("apt-get", ["--option", "DPkg::Lock::Timeout=300", ...arguments_], (line) => {
    last.push(line);
    if (last.length > keptLines) last.shift();
    if (progress.test(line)) log("debug", line);
  });
  if (status !== 0) throw new Error(`apt-get ${arguments_[0]} ended with ${status}:\n${last.join("\n")}`);
}

/** Runs a command, each line of its output to `onLine`; resolves with its exit status. */
async function run(command: string, arguments_: readonly string[], onLine: (line: string) => void): Promise<number> {
  const child = spawn(command, arguments_, {
    stdio: ["ignore", "pipe", "pipe"],
    // A service that comes with a package must not start by itself: this may be a machine in use (systemctl(1), and
    // policy-rc.d where somebody has one).
    env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive", SYSTEMD_OFFLINE: "1" },
  });
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", onLine);
  return await new Promise((resolve, reject) => {
    child.on("error", (cause) => reject(new Error(`${command} cannot be run: this needs Debian`, { cause })));
    child.on("close", (status) => resolve(status ?? 1));
  });
}
