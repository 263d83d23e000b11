import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import { importTree } from "../../src/dominator/import/tree.ts";
import { readManifest } from "../../src/dominator/storage/manifest-file.ts";
import { type Sketch, type SubFixture, startSubFixture } from "./sub-fixture.ts";

const image: Sketch = {
  "usr/bin/bind": "replaced by a program",
  "usr/bin/plain": "plain\n",
  "srv/shared/file": "x\n",
  "boot/vmlinuz-6.1.0-1": "kernel",
  "boot/initrd.img-6.1.0-1": "initrd",
};

function run(program: string, ...options: readonly string[]): string {
  return execFileSync(program, options, { encoding: "utf8" });
}

/** Opens a raw socket, which only a holder of CAP_NET_RAW may, as a user without rights: `ping` does the same. */
function mayOpenRawSockets(program: string): boolean {
  const script = "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)";
  const { status, stderr } = spawnSync("setpriv", [
    ...["--reuid=65534", "--regid=65534", "--clear-groups", program, "-c", script],
  ]);
  if (status !== 0) assert.match(String(stderr), /PermissionError|not permitted/);
  return status === 0;
}

async function assertAttributes({ root, objects, images }: SubFixture, name: string): Promise<void> {
  const describe = (tree: Awaited<ReturnType<typeof importTree>>) =>
    Object.fromEntries(
      tree.entries.flatMap(([path, number]) => {
        const inode = tree.inodes[number];
        return inode !== undefined && inode.kind !== "symlink" && inode.attributes !== undefined
          ? [[path, { mode: inode.mode, attributes: inode.attributes }]]
          : [];
      }),
    );
  const found = await importTree({ source: root, objects, filter: machineFilterLines });
  assert.deepEqual(describe(found), describe(readManifest(images.pathOf(name), name).manifest.tree));
}

test("a capability works on the machine, access control lists arrive byte by byte, and an update changes what differs", {
  timeout: 120_000,
}, async () => {
  await using fixture = await startSubFixture();
  const { root, images, store } = fixture;
  const python = run("readlink", "-f", "/usr/bin/python3").trim();
  const adjust = (source: string) => {
    copyFileSync(python, join(source, "usr/bin/bind"));
    run("chmod", "755", join(source, "usr/bin/bind"));
    run("setcap", "cap_net_raw+ep", join(source, "usr/bin/bind"));
    run("setfacl", "-m", "u:4242:rwx,d:g:12:rx", join(source, "srv/shared"));
    run("setfacl", "-m", "u:4242:r", join(source, "srv/shared/file"));
    run("setfattr", "-n", "user.note", "-v", "0x00ff", join(source, "usr/bin/plain"));
  };
  const name = await fixture.importSketch(image, machineFilterLines, adjust);
  const first = await fixture.runAgent();
  assert.equal(first.status, 0, first.stdout + first.stderr);
  await assertAttributes(fixture, name);
  for (const directory of [fixture.root, root]) run("chmod", "755", directory, join(directory, ".."));
  assert.equal(mayOpenRawSockets(join(root, "usr/bin/bind")), true);
  const lists = run("getfacl", "-nc", join(root, "srv/shared"));
  assert.match(lists, /^user:4242:rwx$/m);
  assert.match(lists, /^default:group:12:r-x$/m);

  // As a boot does.
  writeFileSync(join(root, "var/lib/birther/kernel-changed-in"), "another boot\n");
  const before = statSync(join(root, "usr/bin/plain")).ctimeMs;
  // The next version has no capability and another list; what is the same is left alone.
  const next = await fixture.importSketch(image, machineFilterLines, (source) => {
    adjust(source);
    run("setcap", "-r", join(source, "usr/bin/bind"));
    run("setfacl", "-b", join(source, "srv/shared"));
    run("setfacl", "-m", "u:4243:rw", join(source, "srv/shared/file"));
  });
  const second = await fixture.runAgent();
  assert.equal(second.status, 0, second.stdout + second.stderr);
  assert.equal(store.list()[0]?.runningImage, next);
  await assertAttributes(fixture, next);
  assert.equal(mayOpenRawSockets(join(root, "usr/bin/bind")), false);
  assert.equal(statSync(join(root, "usr/bin/plain")).ctimeMs, before);

  // What an operator adds on the machine goes; what an image does not carry stays.
  run("setcap", "cap_net_admin+ep", join(root, "usr/bin/plain"));
  run("setfattr", "-n", "trusted.note", "-v", "x", join(root, "usr/bin/plain"));
  for (let n = 0; n < 40; n += 1) run("setfattr", "-n", `user.n${n}`, "-v", "x".repeat(20), join(root, "srv/shared"));
  const last = await fixture.importSketch({ ...image, "etc/new": "new" }, machineFilterLines, adjust);
  const third = await fixture.runAgent();
  assert.equal(third.status, 0, third.stdout + third.stderr);
  await assertAttributes(fixture, last);
  assert.match(run("getfattr", "-dm", "-", join(root, "usr/bin/plain")), /trusted\.note/);

  // An image that says nothing of attributes leaves them alone.
  const { manifest } = readManifest(images.pathOf(last), last);
  const { attributes: _none, name: _name, ...silent } = manifest;
  const inodes = silent.tree.inodes.map((inode) => {
    if (inode.kind === "symlink") return inode;
    const { attributes: _attributes, ...rest } = inode;
    return rest;
  });
  const old = await images.add("compute", { ...silent, tree: { ...silent.tree, inodes } });
  await fixture.requireImage(old.name);
  const fourth = await fixture.runAgent();
  assert.equal(fourth.status, 0, fourth.stdout + fourth.stderr);
  assert.equal(store.list()[0]?.runningImage, old.name);
  await assertAttributes(fixture, last);
  assert.equal(readFileSync(join(root, "etc/new"), "utf8"), "new");
});
