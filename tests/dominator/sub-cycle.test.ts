import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { agentProtocol, machineFilterLines, subFilter } from "../../src/core/image/filter.ts";
import { trustIdOf } from "../../src/core/machine/trust-id.ts";
import { importTree } from "../../src/dominator/import/tree.ts";
import { readManifest } from "../../src/dominator/storage/manifest-file.ts";
import { makeAuthority } from "../native/certificates.ts";
import { draw, type Sketch, type SubFixture, startSubFixture } from "./sub-fixture.ts";

const image: Sketch = {
  "etc/passwd": "root\n",
  "etc/shadow": { mode: 0o640, text: "secret\n" },
  "etc/fstab": "of the image\n",
  "etc/empty": "",
  "usr/bin/su": { mode: 0o4755, text: "elf".repeat(2_000_000) },
  "usr/bin/sudo": { same: "usr/bin/su" },
  "usr/bin/copy-of-passwd": "root\n",
  // The name of the Dominator's own program is an ordinary path of an image.
  "usr/local/sbin/subd": "the Dominator's",
  "usr/lib/modules/6.1.0-1/modules.dep": "kernel/dm-crypt.ko: kernel/dm-mod.ko\nkernel/dm-mod.ko:\n",
  "usr/lib/modules/6.1.0-1/kernel/dm-crypt.ko": "crypt",
  "usr/lib/modules/6.1.0-1/kernel/dm-mod.ko": "mod",
  lib: { link: "usr/lib" },
  "boot/vmlinuz-6.1.0-1": "kernel",
  "boot/initrd.img-6.1.0-1": "initrd",
  "var/log/": "",
};

/** The sub's root and the image must have the same contents, read in the same way. */
async function assertIsImage(fixture: SubFixture, name: string): Promise<void> {
  const { root, objects, images } = fixture;
  const found = await importTree({ source: root, objects, filter: machineFilterLines });
  const wanted = readManifest(images.pathOf(name), name).manifest.tree;
  const describe = (tree: typeof found) => {
    const first = new Map<number, string>();
    for (const [path, number] of tree.entries) if (!first.has(number)) first.set(number, path);
    return Object.fromEntries(
      tree.entries.map(([path, number]) => [path, { ...tree.inodes[number], sameAs: first.get(number) }]),
    );
  };
  const guarded = (path: string) => subFilter(machineFilterLines, agentProtocol).protects(path);
  const parentsOfMachineFiles = ["/etc/birther", "/usr/local", "/usr/local/sbin", "/usr/local/lib", "/var/lib"];
  const seen = describe(found);
  for (const path of parentsOfMachineFiles) if (!wanted.entries.some(([entry]) => entry === path)) delete seen[path];
  assert.ok(Object.keys(seen).every((path) => !guarded(path)));
  assert.deepEqual(seen, describe(wanted));
}

test("an empty sub fetches, updates, writes its boot loader's files, and gets the directive to reboot", {
  timeout: 120_000,
}, async () => {
  await using fixture = await startSubFixture();
  const { root, store } = fixture;
  await draw(root, {
    "stray/file": "x",
    "etc/old": "x",
    "usr/bin/su": "old",
    "etc/passwd/in-the-way": "x",
    ".birther-agent/drafts/7": "half",
  });
  const name = await fixture.importSketch(image, machineFilterLines);
  const { status, stdout, stderr } = await fixture.runAgent();
  assert.equal(status, 0, stdout + stderr);

  await assertIsImage(fixture, name);
  assert.equal(readFileSync(join(root, "etc/fstab"), "utf8"), "of this machine\n");
  assert.equal(readFileSync(join(root, "usr/local/sbin/birther-agent"), "utf8"), "the sub itself");
  assert.equal(statSync(join(root, "usr/bin/su")).mode & 0o7777, 0o4755);
  assert.equal(existsSync(join(root, "stray")), false);
  assert.equal(existsSync(join(root, ".birther-agent/objects")), false);
  assert.equal(readFileSync(join(root, "var/lib/birther/patched-image"), "utf8"), "compute/1\n");
  const grub = readFileSync(join(root, "boot/grub/grub.cfg"), "utf8");
  assert.match(grub, /linux \/vmlinuz-6\.1\.0-1 root=PARTUUID=6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee03 ro/);

  const [machine] = store.list();
  assert.deepEqual(
    machine?.timeline.map((entry) => entry.phase),
    ["fetching", "updating", "rebooting"],
  );
  assert.ok(machine?.timeline.slice(0, 2).every((entry) => entry.durationMs !== undefined));
});

test("after the boot one poll suffices for the machine to be up; a new version transfers only the difference", {
  timeout: 120_000,
}, async () => {
  await using fixture = await startSubFixture();
  const { root, store } = fixture;
  await fixture.importSketch(image, machineFilterLines);
  await fixture.runAgent();
  // As a boot does: another boot_id.
  writeFileSync(join(root, "var/lib/birther/kernel-changed-in"), "another boot\n");
  const booted = await fixture.runAgent();
  assert.equal(booted.status, 0, booted.stdout);
  assert.doesNotMatch(booted.stdout, /scanned/);
  assert.equal(store.list()[0]?.phase, "up");
  assert.equal(store.list()[0]?.runningImage, "compute/1");

  const { lib: _gone, ...rest } = image;
  const next = await fixture.importSketch(
    { ...rest, "etc/passwd": "root and more\n", "etc/new": { same: "etc/empty" } },
    machineFilterLines,
  );
  const updated = await fixture.runAgent();
  assert.equal(updated.status, 0, updated.stdout);
  assert.match(updated.stdout, /fetched \{"objects":1,"of":1\}/);
  // A few steps are named: an operator reads what differed.
  assert.match(updated.stdout, /update step \{"step":"placeFile","path":"\/etc\/passwd"\}/);
  await assertIsImage(fixture, next);
  const [machine] = store.list();
  assert.equal(machine?.phase, "up");
  assert.equal(machine?.runningImage, "compute/2");
});

test("a small difference is compared by the machine; a large one is planned by the server from its tree", {
  timeout: 120_000,
}, async () => {
  await using fixture = await startSubFixture();
  const { root } = fixture;
  await fixture.importSketch(image, machineFilterLines);
  const small = await fixture.runAgent();
  assert.match(small.stdout, /directive received \{"directive":"compare"\}/);
  assert.match(small.stdout, /fetched the manifest/);
  assert.doesNotMatch(small.stdout, /"directive":"report"/);
  writeFileSync(join(root, "var/lib/birther/kernel-changed-in"), "another boot\n");
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`usr/share/doc/${n}`, `text ${n}\n`]));
  const name = await fixture.importSketch({ ...image, ...many }, machineFilterLines);
  const large = await fixture.runAgent();
  assert.match(large.stdout, /"directive":"compare".*"directive":"report".*"directive":"fetch".*"directive":"update"/s);
  await assertIsImage(fixture, name);
});

test("an encrypted root gets a second initrd with the modules of the image's kernel", {
  timeout: 120_000,
}, async () => {
  const keyVariable = "BirtherDiskKey-6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee01";
  const partUuid = "6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee03";
  await using fixture = await startSubFixture({ firmware: "uefi", root: { kind: "luks2", partUuid, keyVariable } });
  const { root } = fixture;
  await draw(root, {
    "usr/local/lib/birther/unlock/bin/cryptsetup": "cryptsetup",
    "usr/local/lib/birther/unlock/lib/ld-linux-x86-64.so.2": "loader",
    "usr/local/lib/birther/unlock/lib/libc.so.6": "libc",
  });
  await fixture.importSketch(image, machineFilterLines);
  const { status, stdout, stderr } = await fixture.runAgent();
  assert.equal(status, 0, stdout + stderr);
  const archive = readFileSync(join(root, "boot/birther-unlock.img"));
  const cpio = (...options: string[]) =>
    execFileSync("cpio", ["--quiet", ...options], { input: archive, encoding: "utf8" });
  assert.equal(cpio("-i", "--to-stdout", "birther/modules/11-dm-crypt.ko"), "crypt");
  assert.equal(cpio("-i", "--to-stdout", "birther/lib/libc.so.6"), "libc");
  assert.match(
    cpio("-i", "--to-stdout", "scripts/birther"),
    new RegExp(`by-partuuid/${partUuid}[\\s\\S]*efivars/${keyVariable}`),
  );
  assert.match(readFileSync(join(root, "boot/grub/grub.cfg"), "utf8"), /root=\/dev\/mapper\/birther-root boot=birther/);
});

test("a forged or damaged content is never used, and the MDB records it", { timeout: 120_000 }, async () => {
  await using fixture = await startSubFixture();
  const { root, store, forge, objects, images } = fixture;
  await fixture.importSketch(image, machineFilterLines);
  const shadow = readManifest(images.pathOf("compute/1"), "compute/1").manifest.tree.inodes.find(
    (inode) => inode.kind === "regular" && inode.uid === 7 && inode.size < 100,
  );
  assert.ok(shadow?.kind === "regular" && (await objects.sizeOf(shadow.sha512)) !== undefined);
  forge.add(shadow.sha512);
  await fixture.runAgent();
  assert.equal(existsSync(join(root, "etc/shadow")), false);
  assert.equal(existsSync(join(root, "var/lib/birther/patched-image")), false);
  const failure = () => store.list()[0]?.conditions.find((condition) => condition.kind === "failing");
  assert.match(failure()?.reason ?? "", /fetch: .*damaged or forged/);
  forge.clear();
  await fixture.runAgent();
  await assertIsImage(fixture, "compute/1");
  assert.equal(failure(), undefined);
});

test("the next run repairs a power cut at any time between two renames", { timeout: 120_000 }, async () => {
  await using fixture = await startSubFixture();
  const { root } = fixture;
  const name = await fixture.importSketch(image, machineFilterLines);
  await fixture.runAgent();
  rmSync(join(root, "var/lib/birther/patched-image"));
  rmSync(join(root, "usr/bin/sudo"));
  rmSync(join(root, "boot/grub/grub.cfg"));
  writeFileSync(join(root, "var/lib/birther/boot-files-due"), "");
  await draw(root, { "etc/passwd.birther-new": "half", ".birther-agent/objects/aa/bb": "garbage" });
  const { status, stdout, stderr } = await fixture.runAgent();
  assert.equal(status, 0, stdout + stderr);
  await assertIsImage(fixture, name);
  assert.ok(existsSync(join(root, "boot/grub/grub.cfg")));
});

test("a kernel placed by a failed update still causes a reboot", {
  timeout: 120_000,
}, async () => {
  await using fixture = await startSubFixture();
  const { root } = fixture;
  // Where the boot loader's configuration belongs is something else: the update fails between two of its steps.
  await draw(root, { "boot/grub/grub.cfg/in-the-way": "" });
  await fixture.importSketch({ "boot/vmlinuz-6.1.0-1": "kernel", "boot/initrd.img-6.1.0-1": "x" }, machineFilterLines);
  await fixture.runAgent();
  assert.equal(existsSync(join(root, "boot/vmlinuz-6.1.0-1")), true);
  assert.equal(existsSync(join(root, "var/lib/birther/patched-image")), false);
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  assert.equal(readFileSync(join(root, "var/lib/birther/kernel-changed-in"), "utf8"), bootId);
});

test("an image without a kernel is refused as an update, because it cannot boot", { timeout: 120_000 }, async () => {
  await using fixture = await startSubFixture();
  const { root, store } = fixture;
  await fixture.importSketch({ "boot/vmlinuz-1": "kernel without initrd", "etc/motd": "new" }, machineFilterLines);
  await fixture.runAgent();
  const left = ["var/lib/birther/patched-image", "boot/vmlinuz-1", "etc/motd"].filter((path) =>
    existsSync(join(root, path)),
  );
  assert.deepEqual(left, [], "refused before the first step");
  assert.match(store.list()[0]?.conditions[0]?.reason ?? "", /expected a kernel with an initrd in \/boot, found none/);
});

test("a wrong credential is refused", { timeout: 120_000 }, async () => {
  await using fixture = await startSubFixture({ token: "guessed" });
  await fixture.importSketch(image, machineFilterLines);
  const { status, stdout, stderr } = await fixture.runAgent();
  assert.notEqual(status, 0);
  assert.match(stdout + stderr, /expected status 200, found 401/);
});

test("authorities change without a rebirth: a second one is trusted, the server takes its certificate from it, the first is forgotten", {
  timeout: 120_000,
}, async () => {
  await using fixture = await startSubFixture();
  await fixture.importSketch(image, machineFilterLines);
  const second = await makeAuthority("second CA");
  const trusted = () => readFileSync(join(fixture.root, "etc/birther/ca.pem"), "utf8");
  const run = async () => {
    const { status, stdout, stderr } = await fixture.runAgent();
    assert.equal(status, 0, stdout + stderr);
  };
  await run();
  assert.equal(trusted(), fixture.authority.pem);
  const both = `${fixture.authority.pem}\n${second.pem}\n`;
  fixture.trust(both);
  await run();
  assert.equal(trusted(), both);
  assert.equal(fixture.store.list()[0]?.trusts, trustIdOf(createHash("sha512").update(both).digest("hex")));
  await fixture.serveBy(second);
  await run();
  fixture.trust(`${second.pem}\n`);
  await run();
  assert.equal(trusted(), `${second.pem}\n`);
  await run();
  assert.equal(existsSync(join(fixture.root, "etc/birther/ca.pem.former")), false);
});

test("authorities by which the server is not reached are given up: the machine is not lost", {
  timeout: 120_000,
}, async () => {
  await using fixture = await startSubFixture();
  const name = await fixture.importSketch(image, machineFilterLines);
  const foreign = await makeAuthority("foreign CA");
  fixture.trust(`${foreign.pem}\n`);
  const { status } = await fixture.runAgent();
  assert.notEqual(status, 0, "the server is not trusted any more");
  assert.equal(readFileSync(join(fixture.root, "etc/birther/ca.pem"), "utf8"), fixture.authority.pem);
  fixture.trust(fixture.authority.pem);
  assert.equal((await fixture.runAgent()).status, 0);
  await assertIsImage(fixture, name);
});

test("a sub waits in the queue for its turn to fetch, and says its place", { timeout: 120_000 }, async () => {
  await using fixture = await startSubFixture();
  const { root } = fixture;
  fixture.turns.push(
    { kind: "wait", seconds: 1, reason: "position 7 in the queue for system images" },
    { kind: "wait", seconds: 1, reason: "position 2 in the queue for system images" },
  );
  const name = await fixture.importSketch(image, machineFilterLines);
  const { stdout: output } = await fixture.runAgent();
  assert.match(
    output,
    /waiting to fetch.*position 7 in the queue[\s\S]*waiting to fetch.*position 2 in the queue[\s\S]*fetched/,
  );
  await assertIsImage(fixture, name);
  assert.equal(readFileSync(join(root, "etc/passwd"), "utf8"), "root\n");
});

test("a sub that waits for its turn polls again when it is to run another image", { timeout: 120_000 }, async () => {
  await using fixture = await startSubFixture();
  fixture.turns.push({ kind: "abandon", reason: "it is to run compute/2 now" });
  const name = await fixture.importSketch(image, machineFilterLines);
  const { stdout: output } = await fixture.runAgent();
  assert.match(output, /not fetched.*it is to run compute\/2 now[\s\S]*fetched/);
  await assertIsImage(fixture, name);
});
