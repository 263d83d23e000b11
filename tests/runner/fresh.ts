/**
 * `./test --fresh`: a Debian 12 made by mmdebstrap, with nothing but what the README asks for (Node.js 20, npm, git and root), runs
 * our command on a copy of this checkout. What a suite uses without naming its package fails there.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { ensurePackages } from "../../src/bootstrap-image/install-packages.ts";
import { runCommand } from "./children.ts";

type FreshCommand = { readonly words: readonly string[]; readonly command: readonly string[] };

/** Where the copy of the checkout lies in the new system. */
const home = "/root/birther";
/** What the README asks for, as far as Debian 12 has it; its Node.js is 18, so that and npm are copied from this computer. */
const includedPackages = ["ca-certificates", "git"] as const;
/** Variables that say how the network is reached, and the seed; all others stay outside. */
const keptVariables = /^(https?_proxy|no_proxy|npm_config_.*|node_extra_ca_certs|ssl_cert_file|test_seed|term)$/i;

/** Makes the system, runs the command in it, removes it; the command's exit status. Needs root. */
export async function runFresh({ words, command }: FreshCommand, say: (line: string) => void): Promise<number> {
  if (process.getuid?.() !== 0) throw new Error("--fresh: expected root, found another user; run: sudo ./test --fresh");
  await ensurePackages(["mmdebstrap", "util-linux"], (_, message) => say(message));
  const root = mkdtempSync("/var/tmp/birther-fresh-");
  try {
    say("making a Debian 12…");
    await must([
      ...["mmdebstrap", "--quiet", "--variant=minbase", `--include=${includedPackages}`],
      ...globSync("/etc/apt/apt.conf.d/*").map((path) => `--aptopt=${path}`),
      ...["bookworm", root, ...sources()],
    ]);
    copyNetworkSettings(root);
    copyNode(root);
    copyCheckout(join(root, home));
    const inside = command.length > 0 ? command : ["./test", ...words];
    say(`in the new Debian: ${inside.join(" ")}`);
    return await runCommand([
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--"],
      ...["sh", join(import.meta.dirname, "enter-fresh.sh"), root, home],
      ...["env", "--ignore-environment", "HOME=/root", "LANG=C.UTF-8", ...keptEnvironment()],
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ...inside,
    ]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function must(argv: readonly string[]): Promise<void> {
  const status = await runCommand(argv);
  if (status !== 0) throw new Error(`--fresh: ${argv[0]} ended with status ${status}; its output is above`);
}

const sources = () => [...globSync("/etc/apt/sources.list"), ...globSync("/etc/apt/sources.list.d/*.{list,sources}")];

const keptEnvironment = () =>
  Object.entries(process.env).flatMap(([name, value]) => (keptVariables.test(name) ? [`${name}=${value}`] : []));

/** The new system reaches Debian's and npm's servers as this one does. */
function copyNetworkSettings(root: string): void {
  const settings = [...globSync("/etc/apt/apt.conf.d/*"), ...globSync("/etc/apt/auth.conf.d/*")];
  const files = ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt", ...settings];
  for (const path of files.filter(existsSync)) cpSync(realpathSync(path), join(root, path), { force: true });
  const npmFiles = [
    [outputOf("npm", "config", "get", "userconfig"), "/root/.npmrc"],
    [outputOf("npm", "config", "get", "globalconfig"), "/usr/local/etc/npmrc"],
  ] as const;
  for (const [from, to] of npmFiles) if (existsSync(from)) cpSync(from, join(root, to), { force: true });
}

/** This computer's own Node.js and npm: not those of node_modules, which the new system must install. */
function copyNode(root: string): void {
  const binaries = join(root, "usr/local/bin");
  const modules = join(root, "usr/local/lib/node_modules");
  mkdirSync(modules, { recursive: true });
  cpSync(realpathSync(inPath("node")), join(binaries, "node"));
  const npm = dirname(dirname(realpathSync(inPath("npm"))));
  cpSync(npm, join(modules, "npm"), { recursive: true });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(binaries, "npm"));
  const { status } = spawnSync("chroot", [root, "/usr/local/bin/node", "--version"]);
  if (status !== 0) throw new Error(`--fresh: expected a Node.js that needs no other library, found ${inPath("node")}`);
}

function inPath(name: string): string {
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => !folder.endsWith("node_modules/.bin"));
  const path = folders.map((folder) => join(folder, name)).find(existsSync);
  if (path === undefined) throw new Error(`--fresh: expected ${name} in PATH, found none; install Node.js 20 with npm`);
  return path;
}

/** The files that git tracks, as they are now, and the new ones that it does not ignore. */
function copyCheckout(to: string): void {
  const files = outputOf("git", "ls-files", "--cached", "--others", "--exclude-standard").split("\n");
  for (const file of files.filter(existsSync)) cpSync(file, join(to, file));
}

function outputOf(command: string, ...arguments_: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, arguments_, { encoding: "utf8" });
  if (status !== 0) throw new Error(`--fresh: ${command} ${arguments_.join(" ")}: ${stderr}`);
  return stdout.trim();
}
