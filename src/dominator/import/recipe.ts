import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Recipe } from "../../contract/recipe.ts";
import { defaultArchitecture, type MachineArchitecture } from "../../core/machine/architecture.ts";
import type { Log } from "../../core/ports.ts";
import { emulate, environmentFor, isForeign } from "./emulation.ts";

/** The releases that the demo's system image can be made of; the first one is the default. */
export const demoSuites = ["trixie", "bookworm"] as const;

export type DemoSuite = (typeof demoSuites)[number];

/** ldconfig.service, new in Debian 13, writes /etc/ld.so.cache anew at the first start; the image has it already. */
const hooksFor: { readonly [S in DemoSuite]: readonly string[] } = {
  trixie: ['chroot "$1" systemctl mask ldconfig.service'],
  bookworm: [],
};

/**
 * The demo's system image: a small plain Debian with its own kernel, without anything of Birther. The cloud kernel has
 * what virtual machines need (virtio, NVMe, EFI variables, dm-crypt) in a quarter of the generic one's size; real
 * machines need `linux-image-amd64`. initramfs-tools' default MODULES=most makes an initrd that fits any machine.
 * systemd-getty-generator puts a login on the serial console.
 */
export const demoRecipe = (
  suite: DemoSuite = demoSuites[0],
  architecture: MachineArchitecture = defaultArchitecture,
): Recipe => ({
  suite,
  ...(architecture === defaultArchitecture ? {} : { architecture }),
  packages: [
    `linux-image-cloud-${architecture}`,
    "systemd-sysv",
    "udev",
    "kmod",
    "initramfs-tools",
    "zstd",
    "iproute2",
    "iputils-ping",
    "e2fsprogs",
    "dosfstools",
  ],
  leftOut: [
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/share/bash-completion/*",
    "/usr/share/zsh/*",
    "/usr/lib/udev/hwdb.d/*",
  ],
  files: [],
  hooks: [
    'chroot "$1" systemctl enable systemd-networkd.service',
    'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/cache/debconf/*-old "$1"/usr/lib/udev/hwdb.bin',
    ': > "$1"/etc/machine-id',
    ...hooksFor[suite],
  ],
});

/**
 * Builds the archive of a recipe, or finds it in the cache under a hash of the recipe; returns its path. Needs root.
 */
export async function buildRecipe(input: {
  readonly recipe: Recipe;
  readonly cacheDirectory: string;
  readonly log: Log;
  /** Receives a line about the current activity. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}): Promise<string> {
  const { recipe, cacheDirectory, log } = input;
  const key = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
  const archive = join(cacheDirectory, `system-image-${key}.tar.zst`);
  const isThere = await access(archive).then(
    () => true,
    () => false,
  );
  if (isThere) return archive;
  await mkdir(cacheDirectory, { recursive: true });
  const draft = join(cacheDirectory, `draft-${process.pid}-${key}.tar.zst`);
  log("info", "building the system image", { suite: recipe.suite, packages: recipe.packages.length });
  try {
    await buildArchive({ ...input, archive: draft });
    await rename(draft, archive);
  } finally {
    await rm(draft, { force: true });
  }
  return archive;
}

/** Builds the archive of a recipe with the packages of today. Needs root. */
export async function buildArchive(input: {
  readonly recipe: Recipe;
  /** Where the archive goes; its name ends as mmdebstrap is to compress it, such as `.tar.zst`. */
  readonly archive: string;
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}): Promise<void> {
  const { recipe, archive, onProgress, signal } = input;
  const { architecture = defaultArchitecture } = recipe;
  if (isForeign(architecture)) await emulate(architecture);
  const files = await mkdtemp(`${archive}.files-`);
  try {
    await runMmdebstrap([...(await mmdebstrapArguments(recipe, files)), recipe.suite, archive], {
      ...{ environment: environmentFor(architecture), onProgress, signal },
    });
  } catch (cause) {
    await rm(archive, { force: true });
    throw cause;
  } finally {
    await rm(files, { recursive: true });
  }
}

async function mmdebstrapArguments(recipe: Recipe, directory: string): Promise<readonly string[]> {
  const placed: string[] = [];
  for (const [index, { path, text, mode }] of recipe.files.entries()) {
    const file = join(directory, String(index));
    await writeFile(file, text);
    placed.push(`install -D -m ${mode} ${quoted(file)} "$1"${quoted(path)}`);
  }
  return [
    "--variant=minbase",
    "--mode=root",
    `--architectures=${recipe.architecture ?? defaultArchitecture}`,
    `--include=${recipe.packages.join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    ...recipe.leftOut.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...[...placed, ...recipe.hooks].map((hook) => `--customize-hook=${hook}`),
  ];
}

/** A text as one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The last lines are kept for the error message, because mmdebstrap prints the reason near its end. */
const keptLines = 15;

/**
 * Namespaces for processes and mounts: when this process ends, however that is, or kills its child, all that mmdebstrap
 * runs ends, and what it has mounted is gone. By itself it does not end before its children do.
 */
const confined = [
  ...["--pdeathsig", "KILL", "--", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
  ...["--propagation", "private", "--"],
];

/** The status of setpriv(1) and unshare(1) when the command is not there. */
const notFound = 127;

/** How a build runs. */
type Run = {
  /** What the environment has besides this process's, which comes first. */
  readonly environment: { readonly [name: string]: string };
  readonly onProgress: ((line: string) => void) | undefined;
  readonly signal: AbortSignal | undefined;
};

async function runMmdebstrap(options: readonly string[], run: Run): Promise<void> {
  // mmdebstrap unpacks in it. apt fetches as a user of its own, who has to reach it.
  const directory = await mkdtemp(join(tmpdir(), "birther-recipe-"));
  await chmod(directory, 0o755);
  try {
    await runConfined(["mmdebstrap", ...options], { ...run, directory });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runConfined(
  argv: readonly string[],
  { directory, environment, onProgress, signal }: Run & { readonly directory: string },
): Promise<void> {
  // Nothing may be awaited between this and the listener: an abort in between would not be heard.
  signal?.throwIfAborted();
  const child = spawn("setpriv", [...confined, ...argv], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...environment, ...process.env, LC_ALL: "C", TMPDIR: directory },
  });
  const stop = () => void child.kill("SIGKILL");
  signal?.addEventListener("abort", stop);
  const lines: string[] = [];
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on("error", (cause) => reject(new Error("starting setpriv (util-linux) failed", { cause })));
    // Where no descriptor is free, it has no streams.
    if (child.pid === undefined) return;
    createInterface(child.stderr)
      .on("error", () => undefined)
      .on("line", (line) => {
        lines.push(line);
        if (lines.length > keptLines) lines.shift();
        if (line.startsWith("I: ")) onProgress?.(line.slice(3));
      });
    child.on("close", (code, endedBy) => resolve(code ?? endedBy ?? "no status"));
  }).finally(() => signal?.removeEventListener("abort", stop));
  signal?.throwIfAborted();
  if (status === notFound) throw new Error("mmdebstrap is missing; to install it, run apt-get install mmdebstrap");
  if (status !== 0) throw new Error(`mmdebstrap: expected exit status 0, found ${status}:\n${lines.join("\n")}`);
}
