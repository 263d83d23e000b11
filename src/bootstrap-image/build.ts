import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../core/ports.ts";
import { bundleForQuickJs } from "./bundle.ts";
import { cached, keyOf } from "./cached.ts";
import { runCommand } from "./command.ts";
import { type Entry, writeCpio } from "./cpio.ts";
import { packagesKey, resolvePackages, unpackPackages } from "./debian.ts";
import { type DriverFamily, driverFamilies } from "./driver-families.ts";
import { grubEntries } from "./grub.ts";
import { fetchKernel, type Kernel } from "./kernel.ts";
import { buildNative } from "./native.ts";
import { imagePackages } from "./packages.ts";
import { toolEntries } from "./tools.ts";

/** What the image was built to. Sizes are bytes on the wire. */
export type BootstrapImage = {
  readonly kernelPath: string;
  readonly initramfsPath: string;
  readonly kernelBytes: number;
  readonly initramfsBytes: number;
  readonly totalBytes: number;
  readonly kernelVersion: string;
  readonly families: readonly DriverFamily[];
  /** Firmware files that the drivers may ask for and that are not in the image, by module. */
  readonly firmwareLeftOut: Kernel["firmware"];
};

export type BuildOptions = {
  /** Downloads and finished parts; can be thrown away at any time. */
  readonly cacheDirectory: string;
  /** Gets vmlinuz and initramfs.img. */
  readonly outputDirectory: string;
  /** The only certificates that machines will trust. */
  readonly caPem: string;
  readonly log: Log;
};

/** Our scripts: entry below src/init → place in the image. */
const scripts = [
  { entry: "main.ts", path: "usr/lib/birther/init.js" },
  { entry: "watchdog.ts", path: "usr/lib/birther/watchdog.js" },
  { entry: "sub/main.ts", path: "usr/lib/birther/subd.js" },
] as const;

const mountPoints = ["dev", "mnt", "proc", "run", "sys"] as const;

/** crc32 is the only check that the kernel's decoder knows; the x86 filter makes machine code smaller (kernel: staging/xz). */
const xz = ["xz", "--check=crc32", "--x86", "--lzma2=preset=9e,dict=32MiB", "-T1", "-c"] as const;

async function compress(entries: readonly Entry[]): Promise<Buffer> {
  const packed = await runCommand([...xz], { input: writeCpio(entries) });
  // Archives follow each other; the kernel expects each to begin at a multiple of four bytes.
  return Buffer.concat([packed, Buffer.alloc((4 - (packed.length % 4)) % 4)]);
}

/** The large part, which changes with Debian's packages and our tables only: modules, tools, boot loaders. */
async function systemArchive(kernel: Kernel, { cacheDirectory, log }: BuildOptions): Promise<Buffer> {
  const packages = await resolvePackages(imagePackages);
  const sources = ["build.ts", "cpio.ts", "grub.ts", "tools.ts", "elf.ts"];
  const own = await Promise.all(sources.map((name) => readFile(join(import.meta.dirname, name))));
  const modules = kernel.moduleEntries.flatMap((entry) => (entry.kind === "file" ? [entry.path, entry.bytes] : []));
  const key = keyOf([packagesKey(packages), ...own, ...modules]);
  const directory = await cached(cacheDirectory, `system-${key}`, async (draft) => {
    const tree = await cached(cacheDirectory, `tree-${packagesKey(packages)}`, (fresh) =>
      unpackPackages(packages, fresh, { cacheDirectory, log }),
    );
    const entries: Entry[] = [
      ...mountPoints.map((path): Entry => ({ kind: "directory", path, mode: 0o755 })),
      { kind: "directory", path: "tmp", mode: 0o1777 },
      // The kernel opens the console for PID 1 before PID 1 can mount a devtmpfs.
      { kind: "characterDevice", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
      { kind: "characterDevice", path: "dev/null", mode: 0o666, major: 1, minor: 3 },
      ...(await toolEntries(tree)),
      ...(await grubEntries(tree)),
      ...kernel.moduleEntries,
    ];
    log("info", "compressing the Bootstrap Image", { files: entries.length });
    await writeFile(join(draft, "system.cpio.xz"), await compress(entries));
  });
  return readFile(join(directory, "system.cpio.xz"));
}

/** The part that changes with our code: the native program and the scripts that exist. */
async function programArchive({ cacheDirectory, log }: BuildOptions): Promise<Buffer> {
  const native = await readFile(await buildNative({ cacheDirectory, log }));
  const entries: Entry[] = [
    { kind: "file", path: "init", mode: 0o755, bytes: native },
    { kind: "link", path: "usr/lib/birther/birther-js", target: "/init" },
  ];
  for (const { entry, path } of scripts) {
    const source = join(import.meta.dirname, "../init", entry);
    if ((await stat(source).catch(() => undefined)) === undefined) log("warn", "the image lacks a script", { source });
    else entries.push({ kind: "file", path, mode: 0o644, bytes: await bundleForQuickJs({ entry: source }) });
  }
  const key = keyOf(entries.flatMap((entry) => (entry.kind === "file" ? [entry.path, entry.bytes] : [])));
  const directory = await cached(cacheDirectory, `programs-${key}`, async (draft) =>
    writeFile(join(draft, "programs.cpio.xz"), await compress(entries)),
  );
  return readFile(join(directory, "programs.cpio.xz"));
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

/**
 * Builds kernel and initramfs. The initramfs is three archives one after the other, as the kernel allows
 * (driver-api/early-userspace/buffer-format): system, programs, and the CA file of this installation.
 */
export async function buildBootstrapImage(options: BuildOptions): Promise<BootstrapImage> {
  const { outputDirectory, caPem } = options;
  const kernel = await fetchKernel(options);
  const ca: Entry = { kind: "file", path: "etc/birther/ca.pem", mode: 0o644, bytes: Buffer.from(caPem) };
  const initramfs = Buffer.concat([
    await systemArchive(kernel, options),
    await programArchive(options),
    writeCpio([ca]),
  ]);
  const kernelBytes = await readFile(kernel.path);
  await mkdir(outputDirectory, { recursive: true });
  const kernelPath = join(outputDirectory, "vmlinuz");
  const initramfsPath = join(outputDirectory, "initramfs.img");
  await writeWhole(kernelPath, kernelBytes);
  await writeWhole(initramfsPath, initramfs);
  return {
    kernelPath,
    initramfsPath,
    kernelBytes: kernelBytes.length,
    initramfsBytes: initramfs.length,
    totalBytes: kernelBytes.length + initramfs.length,
    kernelVersion: kernel.version,
    families: driverFamilies,
    firmwareLeftOut: kernel.firmware,
  };
}
