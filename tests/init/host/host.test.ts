import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeDisk } from "./storage/block-device.ts";
import { makeFileSystem } from "./storage/file-system.ts";
import { fillTree } from "./storage/pseudo-tree.ts";
import { chanceOf } from "./system/random.ts";

const unused: { readonly [module: string]: readonly string[] } = {
  host: [],
  os: ["utimes", "chdir", "dup", "dup2", "signal", "clearTimeout"],
  std: ["setenv"],
};

for (const [module, left] of Object.entries(unused))
  test(`the fake module ${module} has everything that its declarations name, except what init never calls`, async () => {
    const text = readFileSync(new URL(`../../../src/init/${module}.d.ts`, import.meta.url), "utf8");
    const names = [...text.matchAll(/export function (\w+)/g)].map(([, name]) => name);
    const fake: object = await import(`./modules/${module}.ts`);
    assert.deepEqual(
      names.filter((name) => name !== undefined && !(name in fake)),
      left.filter((name) => !name.startsWith("SIG")),
    );
  });

const file = { mode: 0o100644, mtimeMs: 0 };

test("a power cut loses unsynced data; fsync keeps one file's content and all names", () => {
  const fileSystem = makeFileSystem({ type: "ext4", onDisk: true });
  const { root } = fileSystem;
  const one = fileSystem.create(root, "one", file);
  fileSystem.write(one, 0, Buffer.from("one"));
  const two = fileSystem.create(root, "two", file);
  fileSystem.write(two, 0, Buffer.from("two"));
  fileSystem.syncFile(one);
  fileSystem.create(root, "three", file);
  fileSystem.cutPower({ kind: "lost" });
  assert.deepEqual([...fileSystem.root.entries.keys()], ["one", "two"]);
  assert.deepEqual(
    [...fileSystem.root.entries.values()].map((number) => fileSystem.get(number).size),
    [3, 0],
  );
});

test("a rename over a file never leaves an empty file", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const fileSystem = makeFileSystem({ type: "ext4", onDisk: true });
    fillTree(fileSystem).text("/name", "old");
    fileSystem.sync();
    const draft = fileSystem.create(fileSystem.root, "draft", file);
    fileSystem.write(draft, 0, Buffer.from("newer"));
    fileSystem.rename({ directory: fileSystem.root, name: "draft" }, { directory: fileSystem.root, name: "name" });
    fileSystem.cutPower({ kind: "partly", chance: chanceOf(seed) });
    const number = fileSystem.root.entries.get("name") ?? assert.fail(`seed ${seed}`);
    assert.ok([3, 5].includes(fileSystem.get(number).size), `seed ${seed}`);
  }
});

test("a disk keeps flushed pages; every other page survives or is lost", () => {
  const disk = makeDisk({ name: "vda", sizeBytes: 2 ** 20 });
  disk.write(0, Uint8Array.of(1));
  disk.flush();
  for (let page = 1; page < 100; page += 1) disk.write(page * 4096, Uint8Array.of(2));
  disk.cutPower({ kind: "partly", chance: chanceOf(1) });
  const survivors = disk.contents().size;
  assert.equal(disk.read(0, 1)[0], 1);
  assert.ok(survivors > 30 && survivors < 70, String(survivors));
});
