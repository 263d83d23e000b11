import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import { type Sketch, type SubFixture, startSubFixture } from "./sub-fixture.ts";

const system: Sketch = {
  "boot/vmlinuz-6": "kernel",
  "boot/initrd.img-6": "initrd",
  "usr/lib/modules/6/modules.dep": "",
};
const library = "a library\n".repeat(1000);
const program = "a program\n".repeat(1000);

/** A root at an image, whose next version has contents at other paths that no server gives out any more. */
async function updated(
  first: Sketch,
  second: Sketch,
  {
    adjust = () => undefined,
    between = () => undefined,
    contents = [library],
  }: {
    readonly adjust?: (source: string) => void;
    readonly between?: (fixture: SubFixture) => void;
    readonly contents?: readonly string[];
  } = {},
): Promise<SubFixture> {
  const fixture = await startSubFixture();
  await fixture.importSketch({ ...system, ...first }, machineFilterLines, adjust);
  await fixture.runAgent();
  for (const content of contents) fixture.forge.add(createHash("sha512").update(content).digest("hex"));
  between(fixture);
  const name = await fixture.importSketch({ ...system, ...second }, machineFilterLines, adjust);
  await fixture.runAgent();
  const { root } = fixture;
  assert.equal(readFileSync(join(root, "var/lib/birther/patched-image"), "utf8").trim(), name);
  return fixture;
}

const timeout = 240_000;

test("an update that moves a file renames it: nothing is fetched or copied", { timeout }, async () => {
  let before = 0;
  await using fixture = await updated(
    { "usr/lib/old/library": library, "usr/lib/swapped": "small\n" },
    { "usr/lib/new/library": library },
    {
      between: ({ root }) => {
        before = lstatSync(join(root, "usr/lib/old/library")).ino;
      },
    },
  );
  const { ino, nlink } = lstatSync(join(fixture.root, "usr/lib/new/library"));
  assert.deepEqual([ino, nlink], [before, 1]);
  assert.equal(existsSync(join(fixture.root, "usr/lib/old")), false);
});

test("two files change places: each becomes the other by a rename", { timeout }, async () => {
  const inodes: number[] = [];
  await using fixture = await updated(
    { "usr/lib/one": library, "usr/lib/two": program },
    { "usr/lib/one": program, "usr/lib/two": library },
    {
      contents: [library, program],
      between: ({ root }) => inodes.push(...["one", "two"].map((name) => lstatSync(join(root, "usr/lib", name)).ino)),
    },
  );
  const found = ["two", "one"].map((name) => lstatSync(join(fixture.root, "usr/lib", name)));
  assert.deepEqual(
    found.map(({ ino, nlink }) => [ino, nlink]),
    inodes.map((ino) => [ino, 1]),
  );
  assert.equal(readFileSync(join(fixture.root, "usr/lib/two"), "utf8"), library);
});

test("a set-user-id program that moves is copied: whoever holds the old one has no rights by it", {
  timeout,
}, async () => {
  const adjust = (source: string) => {
    for (const name of ["sbin", "bin"]) {
      const path = join(source, "usr", name, "su");
      if (existsSync(path)) chmodSync(path, 0o4755);
    }
  };
  let held = -1;
  await using fixture = await updated(
    { "usr/bin/su": program },
    { "usr/sbin/su": program },
    {
      ...{ adjust, contents: [program] },
      between: ({ root }) => {
        held = openSync(join(root, "usr/bin/su"), "r");
        assert.equal(fstatSync(held).mode & 0o7777, 0o4755);
      },
    },
  );
  const old = fstatSync(held);
  closeSync(held);
  assert.deepEqual([old.mode & 0o7777, old.nlink], [0o755, 0]);
  const { mode, ino } = lstatSync(join(fixture.root, "usr/sbin/su"));
  assert.equal(mode & 0o7777, 0o4755);
  assert.notEqual(ino, old.ino);
});

test("a file that moves and gains set-user-id has it, and loses its old name", { timeout }, async () => {
  const adjust = (source: string) => {
    const path = join(source, "usr/sbin/su");
    if (existsSync(path)) chmodSync(path, 0o4755);
  };
  await using fixture = await updated(
    { "usr/bin/su": program },
    { "usr/sbin/su": program },
    { adjust, contents: [program] },
  );
  const { mode, nlink } = lstatSync(join(fixture.root, "usr/sbin/su"));
  assert.deepEqual([mode & 0o7777, nlink], [0o4755, 1]);
});

test("a content of a user's own file is not taken for the image's: it is fetched", { timeout }, async () => {
  await using fixture = await updated(
    {},
    { "usr/lib/library": library },
    {
      contents: [],
      between: ({ root }) => {
        writeFileSync(join(root, "of-a-user"), library);
        chownSync(join(root, "of-a-user"), 1000, 1000);
      },
    },
  );
  assert.equal(readFileSync(join(fixture.root, "usr/lib/library"), "utf8"), library);
});
