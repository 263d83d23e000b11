import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { cached } from "../../src/bootstrap-image/cached.ts";
import { packagesKey } from "../../src/bootstrap-image/debian/packages.ts";
import { systemPackages } from "../../src/bootstrap-image/debian/releases.ts";
import { fetchKernel } from "../../src/bootstrap-image/kernel/kernel.ts";
import { grubEntries } from "../../src/bootstrap-image/loader/grub.ts";
import { patchBootImage, patchCoreImage } from "../../src/core/boot-loader/grub-bios.ts";
import { grubEnvironment, readGrubEnvironment } from "../../src/core/boot-loader/grub-environment.ts";
import { writeCpio } from "../../src/core/bytes/cpio.ts";
import { bootPartition, type StoredKernel } from "../../src/core/image/boot/kernel-store.ts";
import { partitionConfig, tryVariable } from "../../src/core/image/boot/partition-config.ts";
import { planLayout, sfdiskScript } from "../../src/core/install/layout.ts";
import { cacheDirectory } from "../../src/main/paths.ts";
import { debianOf } from "../support/debian.ts";
import { startQemuOnConsole } from "../support/qemu-on-console.ts";

const run = promisify(execFile);
const sectorBytes = 512;
const limitMs = 600_000;

const kernelOf = (digit: string): StoredKernel => ({
  id: digit.repeat(32),
  version: digit,
  kernel: `vmlinuz-${digit}`,
  initrd: `initrd.img-${digit}`,
  names: [],
});
const [confirmed, candidate] = [kernelOf("1"), kernelOf("2")];

/** A boot partition with two kernels that panic, because their initrds are empty; the second one is marked. */
async function fillPartition(directory: string, kernel: Uint8Array): Promise<void> {
  for (const each of [confirmed, candidate]) {
    const home = join(directory, bootPartition.kernels, each.id);
    await mkdir(home, { recursive: true });
    await writeFile(join(home, each.kernel), kernel);
    await writeFile(join(home, each.initrd), writeCpio([{ kind: "directory", path: "empty", mode: 0o755 }]));
  }
  await mkdir(join(directory, "grub"));
  const root = { kind: "plain", partUuid: "00000000-0000-4000-8000-000000000000" } as const;
  const kernels = [confirmed, candidate];
  const config = partitionConfig({ firmware: "bios", root, kernels, candidate: candidate.id });
  await writeFile(join(directory, bootPartition.config), config.replaceAll("panic=30", "panic=1"));
  await writeFile(join(directory, bootPartition.environment), grubEnvironment(tryVariable, candidate.id));
}

/** A disk as a birth makes it for BIOS firmware, with this boot partition. */
async function makeDisk(directory: string, loaders: { readonly boot: Uint8Array; readonly core: Uint8Array }) {
  const path = join(directory, "disk.raw");
  const disk = { path, sizeBytes: 512 << 20 };
  const random = { bytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
  const layout = planLayout({ disk, sectorBytes, firmware: "bios", espMiB: 64, bootMiB: 128 }, random);
  await run("truncate", ["-s", String(disk.sizeBytes), path]);
  const sfdisk = run("sfdisk", ["--quiet", path]);
  sfdisk.child.stdin?.end(sfdiskScript(layout));
  await sfdisk;
  const [bios, boot] = layout.partitions;
  assert.ok(bios !== undefined && boot !== undefined);
  const content = join(directory, "content");
  const options = ["-q", "-t", "ext4", "-O", "^metadata_csum_seed,^orphan_file", "-L", "boot", "-d", content];
  const offset = boot.firstSector * sectorBytes;
  await run("mke2fs", [...options, "-E", `offset=${offset}`, path, `${(boot.sectorCount * sectorBytes) >> 10}k`]);
  await using file = await open(path, "r+");
  const first = new Uint8Array(sectorBytes);
  await file.read(first, 0, sectorBytes, 0);
  const core = patchCoreImage(loaders.core, bios.firstSector, bios.sectorCount);
  const sector = patchBootImage(loaders.boot, first, bios.firstSector);
  assert.ok(core.kind === "patched" && sector.kind === "patched");
  await file.write(core.bytes, 0, core.bytes.length, bios.firstSector * sectorBytes);
  await file.write(sector.bytes, 0, sectorBytes, 0);
  return { path, offset };
}

/** Starts the disk until `count` kernels have named themselves, and returns their names. */
async function startedKernels(path: string, count: number): Promise<readonly string[]> {
  const qemu = startQemuOnConsole(["-net", "none", "-drive", `file=${path},format=raw,if=virtio`], limitMs);
  let console = "";
  const names = () => [...console.matchAll(/Command line: .*birther\.boot=(\w{32})/g)].map(([, name = ""]) => name);
  for await (const piece of qemu.stdout) {
    console += piece;
    if (names().length >= count) qemu.kill("SIGKILL");
  }
  assert.ok(names().length >= count, console.slice(-3000));
  // QEMU may have started one more before it ended.
  return names().slice(0, count);
}

test("BIOS: GRUB starts a marked kernel once; after its panic it starts the confirmed one", {
  timeout: limitMs + 120_000,
}, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "birther-kernel-trial-"));
  t.after(() => rm(directory, { recursive: true }));
  const log = () => {};
  const debian = await debianOf();
  const packages = await debian.resolve(systemPackages(debian.release, debian.architecture));
  const tree = await cached(cacheDirectory, `tree-${packagesKey(packages)}`, (draft) => debian.unpack(packages, draft));
  const loaders = await grubEntries(tree);
  const grub = (name: string) => {
    const found = loaders.find((entry) => entry.path === `usr/lib/birther/grub/${name}`);
    return found?.kind === "file" ? found.bytes : assert.fail(`no ${name}`);
  };
  const content = join(directory, "content");
  await mkdir(content);
  const kernel = await fetchKernel({ debian, cacheDirectory, log });
  await fillPartition(content, await readFile(kernel.path));
  const { path, offset } = await makeDisk(directory, { boot: grub("boot.img"), core: grub("core.img") });

  assert.deepEqual(await startedKernels(path, 3), [candidate.id, confirmed.id, confirmed.id]);
  const block = join(directory, "grubenv");
  await run("debugfs", ["-R", `dump ${bootPartition.environment} ${block}`, `${path}?offset=${offset}`]);
  assert.equal(readGrubEnvironment(await readFile(block), tryVariable), "", "GRUB cleared the mark");
});
