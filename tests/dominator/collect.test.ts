import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Collected } from "../../src/core/image/catalogue/collected.ts";
import { importImages } from "../../src/dominator/import/image.ts";
import { collect } from "../../src/dominator/storage/collect/collect.ts";
import { startCollections } from "../../src/dominator/storage/collect/collections.ts";
import { confidentialStores } from "../../src/dominator/storage/confidential-stores.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { readManifest } from "../../src/dominator/storage/manifest-file.ts";
import { type ObjectStore, openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { packsIn } from "../../src/dominator/storage/packs/pack-files.ts";
import { damagedObjects } from "../../src/dominator/storage/scrub.ts";
import { holdAlone, holdContents } from "../../src/dominator/storage/store-lock.ts";
import { storeAgentBundle } from "../../src/dominator/sub/agent-bundle.ts";
import { drawWholeSystem } from "../../src/dominator/testing/whole-system.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-collect-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const log = () => undefined;
let made = 0;

/** A state directory with helpers; each image has contents of its own, and one that all have. */
async function newState() {
  made += 1;
  const top = join(directory, `state-${made}`);
  const paths = {
    images: join(top, "images"),
    objects: join(top, "objects"),
    confidentialObjects: join(top, "secret"),
  };
  const images = await openImageStore(paths.images, { log });
  const objects = await openObjectStore(paths.objects);
  const confidential = confidentialStores(paths.confidentialObjects);
  const draw = async (label: string, kibibytes = 8): Promise<string> => {
    const source = join(top, `source-${label}`);
    await drawWholeSystem(source);
    mkdirSync(join(source, "opt"), { recursive: true });
    writeFileSync(join(source, "opt/shared"), "shared by all".repeat(100));
    for (let n = 0; n < 20; n += 1)
      writeFileSync(join(source, `opt/${n}`), `${label} ${n} `.padEnd(64, "x").repeat(kibibytes));
    return source;
  };
  const add = async (label: string, stream = "compute"): Promise<string> => {
    const [image] = await importImages({ images, objects, source: await draw(label), streams: [stream], nowMs: 1 });
    return image?.name ?? "";
  };
  const run = (how: Partial<Parameters<typeof collect>[0]> = {}): Promise<Collected> =>
    collect({ ...paths, isDryRun: false, olderThanMs: Number.POSITIVE_INFINITY, ...how });
  return { top, paths, images, objects, confidential, draw, add, run };
}

type State = Awaited<ReturnType<typeof newState>>;

/** Every content of an image is there, and what its name says. */
async function assertWhole({ images, objects }: Pick<State, "images" | "objects">, name: string): Promise<void> {
  for (const inode of readManifest(images.pathOf(name), name).manifest.tree.inodes)
    if (inode.kind === "regular" && inode.size > 0)
      assert.ok(await objects.isIntact(inode.sha512), `${name} lacks ${inode.sha512.slice(0, 16)}`);
}

async function names(objects: ObjectStore): Promise<readonly string[]> {
  return [...new Set(await Array.fromAsync(objects.names()))].sort();
}

function bytesIn(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function removedObjects(found: Collected): number {
  assert.equal(found.kind, "collected");
  return found.kind === "collected" ? found.objects : 0;
}

test("what only a removed image needs goes; other images, the agent and confidential images stay", async () => {
  const state = await newState();
  const { images, objects, confidential, run } = state;
  const [old, kept] = [await state.add("old"), await state.add("kept")];
  const secret = await confidential.ofStream("vault");
  const input = { images, objects: secret, source: await state.draw("secret"), streams: ["vault"], nowMs: 1 };
  await importImages({ ...input, confidential: true });
  const bundle = await storeAgentBundle(async (name) => Buffer.from(`agent ${name}`), objects);
  assert.equal(removedObjects(await run()), 0);
  await images.remove(old);
  const before = [await names(objects), bytesIn(state.top)];
  const planned = await run({ isDryRun: true });
  assert.deepEqual([await names(objects), bytesIn(state.top)], before);
  const done = await run();
  assert.deepEqual(done, planned);
  assert.ok(removedObjects(done) >= 20);
  await assertWhole(state, kept);
  await assertWhole({ images, objects: secret }, "vault/1");
  for (const { sha512 } of bundle.files) assert.ok(await objects.isIntact(sha512));
  assert.deepEqual(await Array.fromAsync(damagedObjects(objects)), []);
  assert.equal(removedObjects(await run()), 0);
  await images.remove("vault/1");
  assert.ok(removedObjects(await run()) > 20);
  assert.deepEqual(await names(secret), []);
  await assertWhole(state, kept);
});

test("contents of an agent that no list names are left alone", async () => {
  const state = await newState();
  const { sha512 } = await state.objects.add([Buffer.from("an agent of an earlier version")]);
  await state.run();
  assert.ok(await state.objects.isIntact(sha512));
});

test("young contents stay for an interrupted import, if the collection says so", async () => {
  const state = await newState();
  await state.images.remove(await state.add("old"));
  assert.equal(removedObjects(await state.run({ olderThanMs: Date.now() - 60_000 })), 0);
  assert.ok(removedObjects(await state.run({ olderThanMs: Date.now() + 60_000 })) > 0);
});

test("a manifest that cannot be read stops the collection, and is named", async () => {
  const state = await newState();
  await state.images.remove(await state.add("old"));
  const name = await state.add("new");
  writeFileSync(state.images.pathOf(name), "{");
  const before = await names(state.objects);
  assert.deepEqual(await state.run(), { kind: "unreadable", names: [name] });
  assert.deepEqual(await names(state.objects), before);
});

test("an import under way stops a collection, and the other way round; the import relies on nothing that goes", async () => {
  const state = await newState();
  await state.images.remove(await state.add("again"));
  {
    using _importer = await holdContents(state.paths.objects);
    assert.deepEqual(await state.run(), { kind: "busy" });
  }
  // The import waits for the collection that removes the contents of the same tree, and then stores them again.
  const collecting = holdAlone(state.paths.objects);
  assert.ok(collecting !== undefined);
  let waits = 0;
  const source = join(state.top, "source-again");
  const { images, objects } = state;
  const onWait = () => {
    waits += 1;
  };
  const importing = importImages({ images, objects, source, streams: ["compute"], nowMs: 1, onWait });
  while (waits === 0) await wait(10);
  assert.equal(images.names().length, 0);
  collecting[Symbol.dispose]();
  const [image] = await importing;
  await assertWhole(state, image?.name ?? "");
});

test("imports and collections at the same time, over and over: every image is whole", async () => {
  const state = await newState();
  const sources = await Promise.all(["one", "two", "three"].map((label) => state.draw(label)));
  let isDone = false;
  const collecting = (async () => {
    let collected = 0;
    // An import may hold the lock whenever it is asked for.
    while (!isDone || collected === 0) if ((await state.run()).kind === "collected") collected += 1;
  })();
  const { images, objects } = state;
  for (let round = 0; round < 6; round += 1) {
    const source = sources[round % sources.length] ?? "";
    const [image] = await importImages({ images, objects, source, streams: ["compute"], nowMs: 1 });
    await assertWhole(state, image?.name ?? "");
    if (round % 2 === 1) await images.remove(image?.name ?? "");
  }
  isDone = true;
  await collecting;
  for (const name of images.names()) await assertWhole(state, name);
});

test("a collection that is killed at any moment loses nothing, and the next one finishes it", {
  timeout: 240_000,
}, async () => {
  const program = join(import.meta.dirname, "collect-program.ts");
  for (let round = 0; round < 6; round += 1) {
    const state = await newState();
    const [old, kept] = [await state.add(`old ${round}`), await state.add(`kept ${round}`)];
    // One pack with much that is not needed, and a little that is.
    await state.images.remove(old);
    const child = spawn(process.execPath, [program, JSON.stringify(state.paths)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    await once(child.stdout, "data");
    await wait(round * 4);
    child.kill("SIGKILL");
    await closed;
    await assertWhole(state, kept);
    assert.equal((await state.run()).kind, "collected");
    await assertWhole(state, kept);
    const left = await names(state.objects);
    assert.deepEqual(left, await names(await openObjectStore(state.paths.objects)));
    assert.deepEqual(readdirSync(join(state.paths.objects, "drafts")), []);
    const packs = readdirSync(packsIn(state.paths.objects));
    assert.equal(packs.filter((name) => name.endsWith(".index")).length * 2, packs.length);
    assert.equal(removedObjects(await state.run()), 0);
  }
});

test("a server collects once after its start, and in the hour after an image was removed", async () => {
  const runs: number[] = [];
  let names = ["compute/1", "compute/2"];
  let hours = 0;
  const answers: Collected[] = [{ kind: "busy" }];
  const ended = new Promise<void>((resolve) => {
    const collections = startCollections({
      stores: { images: "", objects: "", confidentialObjects: "" },
      names: () => names,
      clock: { nowMs: () => 0 },
      log,
      pause: async () => {
        hours += 1;
        if (hours === 4) names = ["compute/2", "compute/3"];
        if (hours === 6) void collections[Symbol.asyncDispose]().then(resolve);
      },
      run: async () => {
        runs.push(hours);
        return answers.shift() ?? { kind: "collected", objects: 0, bytes: 0, movedBytes: 0, leftBytes: 0 };
      },
    });
  });
  await ended;
  assert.deepEqual(runs, [1, 2, 4]);
});
