import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { Machine } from "../../src/core/machine/record.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { readManifest } from "../../src/dominator/storage/manifest-file.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { birther } from "../birth/birther-cli.ts";
import { type FaultyRack, faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { keptLog, recordOf, type Scene, up } from "../firmware/record-of.ts";
import { insideNamespace } from "../support/inside-namespace.ts";

const runFile = promisify(execFile);
const bios = machineSpec(1, {
  ...{ firmware: "bios", cpus: 1 },
  disks: [
    { bus: "virtio", sizeMiB: 4096, serial: "ONE1" },
    { bus: "virtio", sizeMiB: 5120, serial: "TWO1" },
  ],
});
const uefi = machineSpec(2, {
  ...{ firmware: "uefi", cpus: 1 },
  disks: [
    { bus: "nvme", sizeMiB: 4096, serial: "ONE2" },
    { bus: "virtio", sizeMiB: 5120, serial: "TWO2" },
  ],
});
const mebibyte = 2 ** 20;
/** Where the root partition begins, by the demo's sizes: after the loader's and the boot partition. */
const rootAt = { bios: (1 + 1 + 256) * mebibyte, uefi: (1 + 64 + 256) * mebibyte };

/** What mdadm says of the member on a disk of a machine without power. */
async function examine(machine: LabMachine, place: number): Promise<string> {
  const offset = rootAt[machine.spec.firmware];
  const loop = async (...argv: string[]) => (await runFile("losetup", argv)).stdout.trim();
  const device = await loop(
    "--find",
    "--show",
    "--read-only",
    "--offset",
    String(offset),
    machine.diskPaths[place] ?? "",
  );
  try {
    return (await runFile("mdadm", ["--examine", device])).stdout;
  } finally {
    await loop("--detach", device);
  }
}

const stateOf = (text: string) => /Array State : (\S+)/.exec(text)?.[1];
const consoleOf = ({ consoleLogPath }: LabMachine) => readFile(consoleLogPath, "latin1");

/** What GRUB, which does not replay a journal, finds on the boot partition of a disk: its configuration, and the kernels. */
async function bootOf(
  machine: LabMachine,
  place: number,
): Promise<{ readonly config: string; readonly kernels: string }> {
  const device = `${machine.diskPaths[place]}?offset=${rootAt[machine.spec.firmware] - 256 * mebibyte}`;
  const ask = async (request: string) =>
    (await runFile("debugfs", ["-R", request, device], { timeout: 20_000 })).stdout;
  const names = [...(await ask("ls -p /kernels")).matchAll(/\/([0-9a-f]{32})\//g)].map(([, name = ""]) => name).sort();
  const files = await Promise.all(names.map((name) => ask(`ls -p /kernels/${name}`)));
  // Without the numbers and times of inodes.
  const kernels = files.map((text) =>
    [...text.matchAll(/\/([^/]+)\/(\d+)\/$/gm)].map(([, name, size]) => `${name} ${size}`),
  );
  return { config: await ask("cat /grub/grub.cfg"), kernels: JSON.stringify([names, kernels]) };
}

/** Imports the second version of an image: another initrd, and so a kernel that the machine has not tried. */
async function importSecond({ directory }: FaultyRack, stream: string): Promise<void> {
  const paths = pathsIn(join(directory, "state"));
  const objects = await openObjectStore(paths.objects);
  const images = await openImageStore(paths.images, { log: () => undefined });
  const { name: _, ...image } = readManifest(images.pathOf(`${stream}/1`), `${stream}/1`).manifest;
  const [, number] =
    image.tree.entries.find(([path]) => path.startsWith("/boot/initrd.img-")) ?? assert.fail("no initrd");
  const initrd = image.tree.inodes[number];
  if (initrd?.kind !== "regular") assert.fail("the initrd is no file");
  const before = await Array.fromAsync(objects.read(initrd.sha512));
  // The kernel skips zeros after an archive.
  const { sha512, size } = await objects.add([...before, new Uint8Array(512)]);
  const inodes = image.tree.inodes.with(number, { ...initrd, sha512, size });
  await images.add(stream, { ...image, createdAtMs: Date.now(), tree: { ...image.tree, inodes } });
}

/** Starts a machine with some of its disks, and waits until its agent has said what its mirror is like. */
async function startWith(
  scene: Scene,
  machine: LabMachine,
  { indices, missing }: { readonly indices: readonly number[]; readonly missing: readonly string[] },
): Promise<void> {
  await machine.kill();
  machine.keepDisks(indices);
  const since = Date.now();
  const before = await consoleOf(machine);
  await machine.powerOn();
  await recordOf(scene, machine, {
    what: `up without ${missing.join(" and ") || "nothing"}`,
    seconds: 900,
    holds: ({ state, phase, mirror, lastSeenAtMs }: Machine) =>
      state === "healthy" && phase === "up" && lastSeenAtMs > since && mirrorIs(mirror, missing),
  });
  const shown = (await consoleOf(machine)).slice(before.length);
  if (missing.length > 0) assert.match(shown, /birther: only .* of the root's mirror is there/);
}

const mirrorIs = (mirror: Machine["mirror"], missing: readonly string[]) =>
  mirror !== undefined && mirror.missing.join() === missing.join();

await insideNamespace(import.meta.url, () => {
  test("a mirrored root by BIOS and UEFI: born on two disks, started by each alone, a disk taken back, another kernel", {
    timeout: 45 * 60_000,
  }, async () => {
    const { said, log } = keptLog();
    await using place = await faultyRack([bios, uefi], log, withSystemImages);
    const { storage, images = [] } = demoConfig(place.directory);
    await using server = await place.startServer({
      storage: { ...storage, layouts: [{ name: "mirror", mirror: {} }] },
      images: images.slice(-1).map((rule) => ({ ...rule, layout: "mirror" })),
    });
    const scene = { place, server, said };
    const outcome = await Promise.allSettled(place.rack.machines.map((machine) => lifeOf(scene, machine)));
    for (const each of outcome) if (each.status === "rejected") throw each.reason;
  });
});

async function lifeOf(scene: Scene, machine: LabMachine): Promise<void> {
  await machine.powerOn();
  const born = await recordOf(scene, machine, up(1));
  await recordOf(scene, machine, { what: "a whole mirror", seconds: 300, holds: ({ mirror }) => mirrorIs(mirror, []) });
  const unit = machine.spec.firmware === "bios" ? 1 : 2;
  assert.deepEqual([born.storage?.rootDisk.serial, born.storage?.mirrorDisk?.serial], [`ONE${unit}`, `TWO${unit}`]);
  assert.equal(born.storage?.encryption.kind, unit === 1 ? "none" : "luks2");
  await machine.kill();
  for (const disk of [0, 1]) {
    const text = await examine(machine, disk);
    assert.equal(stateOf(text), "AA", text);
    assert.match(
      text,
      new RegExp(`Raid Level : raid1[^]*Checksum : \\S+ - correct[^]*Device Role : Active device ${disk}`),
    );
    assert.match(text, /Internal Bitmap : 8 sectors from superblock/);
  }
  assert.deepEqual(await bootOf(machine, 0), await bootOf(machine, 1));
  await startWith(scene, machine, { indices: [1], missing: ["rootDisk"] });
  for (const verb of ["why", "show"])
    assert.match(await shownBy(scene, verb, machine), new RegExp(`degraded: without /dev/\\w+ \\(serial ONE${unit}`));
  await machine.kill();
  assert.equal(stateOf(await examine(machine, 1)), ".A");
  await startWith(scene, machine, { indices: [0, 1], missing: [] });
  if (machine.spec.firmware === "bios") await updateOf(scene, machine, born.id);
  await machine.kill();
  for (const disk of [0, 1]) assert.equal(stateOf(await examine(machine, disk)), "AA");
  assert.deepEqual(await bootOf(machine, 0), await bootOf(machine, 1));
  await startWith(scene, machine, { indices: [0], missing: ["mirrorDisk"] });
  await machine.kill();
  assert.equal(stateOf(await examine(machine, 0)), "A.");
}

const shownBy = ({ place }: Scene, verb: string, { mac }: LabMachine) =>
  birther(verb, mac, "--state", join(place.directory, "state"));

/** Another image, with another initrd, which the machine starts once and then keeps. */
async function updateOf(scene: Scene, machine: LabMachine, id: Machine["id"]): Promise<void> {
  await importSecond(scene.place, "compute");
  scene.server.store.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/2" } });
  await recordOf(scene, machine, {
    what: "up with compute/2",
    seconds: 900,
    holds: ({ phase, runningImage, mirror }) => phase === "up" && runningImage === "compute/2" && mirrorIs(mirror, []),
  });
}
