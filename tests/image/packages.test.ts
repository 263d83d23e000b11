import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readLock } from "../../src/bootstrap-image/debian/lock.ts";
import { type DebianOptions, openDebian } from "../../src/bootstrap-image/debian/packages.ts";
import { bootstrapSuites } from "../../src/core/bootstrap-image/suite.ts";

/** A cache and a lock file of their own; `open` begins another build. */
async function world() {
  const directory = await mkdtemp(join(tmpdir(), "birther-packages-"));
  const lockFile = join(directory, "packages.lock.json");
  const base = { suite: "trixie", cacheDirectory: join(directory, "cache"), lockFile, log: () => {} } as const;
  return {
    directory,
    lockFile,
    open: (changes: Partial<DebianOptions> = {}) => openDebian({ ...base, ...changes }),
    /** Changes what the lock file says of each package. */
    change: async (of: (text: string) => string) => writeFile(lockFile, of(await readFile(lockFile, "utf8"))),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

test("a build takes the packages of the lock file; a renewal takes those of today", async () => {
  await using w = await world();
  const first = await w.open();
  const [busybox] = await first.resolve(["busybox"]);
  assert.ok(busybox !== undefined);
  await first.kernel();
  await first.keep();
  const older = busybox.file.replace(/_[^_]+_amd64/, "_1%3a1.0-1_amd64");
  await w.change((text) => text.replace(busybox.file, older));

  const second = await w.open();
  assert.deepEqual(await second.resolve(["busybox"]), [{ ...busybox, file: older }]);
  await assert.rejects(
    second.unpack(await second.resolve(["busybox"]), join(w.directory, "tree")),
    /cannot download busybox=1:1\.0-1; .*birther image build --renew/,
  );
  const renewed = await w.open({ renew: true });
  assert.deepEqual(await renewed.resolve(["busybox"]), [busybox]);
  await renewed.kernel();
  await renewed.keep();
  assert.ok((await readLock(w.lockFile))?.packages.some(({ file }) => file === busybox.file));
});

test("the measuring boot loaders are of Debian 12 and pinned beside the suite's packages; a renewal and another suite take them anew", async () => {
  await using w = await world();
  const first = await w.open();
  const [own] = await first.resolve(["grub-common"]);
  const [measuring] = await first.measuringLoaders.resolve(["grub-common"]);
  assert.ok(own !== undefined && measuring !== undefined);
  assert.match(own.file, /^grub-common_2\.12-/);
  assert.match(measuring.file, /^grub-common_2\.06-/);
  await first.kernel();
  await first.keep();
  const older = measuring.file.replace(/_[^_]+_amd64/, "_2.06-1_amd64");
  await w.change((text) => text.replace(measuring.file, older));
  const ofLoaders = async (changes: Partial<DebianOptions>) =>
    (await (await w.open(changes)).measuringLoaders.resolve(["grub-common"]))[0]?.file;
  assert.equal(await ofLoaders({}), older);
  assert.equal(await ofLoaders({ renew: true }), measuring.file);
  assert.equal(await ofLoaders({ suite: "bookworm" }), measuring.file);

  // An earlier version's lock file has none: they are taken and pinned by the next build.
  await w.change((text) => JSON.stringify({ ...JSON.parse(text), loaders: undefined }));
  const upgraded = await w.open();
  assert.deepEqual(await upgraded.resolve(["grub-common"]), [own]);
  await upgraded.measuringLoaders.resolve(["grub-common"]);
  await upgraded.kernel();
  await upgraded.keep();
  assert.deepEqual((await readLock(w.lockFile))?.loaders?.packages, [measuring]);
});

test("a package whose bytes are not those of the lock file is refused, and nothing of it stays in the cache", async () => {
  await using w = await world();
  const first = await w.open();
  await first.resolve(["dosfstools"]);
  await first.kernel();
  await first.keep();
  await w.change((text) => text.replace(/("name": "dosfstools",[^}]*SHA256:)[0-9a-f]{4}/, "$1dead"));
  const second = await w.open();
  await assert.rejects(
    second.unpack(await second.resolve(["dosfstools"]), join(w.directory, "tree")),
    /dosfstools: expected a file with SHA256:dead[0-9a-f]{60}, found SHA256:[0-9a-f]{64}/,
  );
  assert.deepEqual(
    (await readdir(join(w.directory, "cache"))).filter((name) => name.startsWith("deb-")),
    [],
  );
});

test("another suite takes its own packages; a lock file that is none is named", async () => {
  await using w = await world();
  const kernels = new Map<string, string>();
  for (const suite of bootstrapSuites) {
    const debian = await w.open({ suite });
    const names = (await debian.kernel()).map(({ name }) => name);
    kernels.set(suite, /^linux-image-(\d+)\./.exec(names[0] ?? "")?.[1] ?? "");
    await debian.keep();
    assert.equal((await readLock(w.lockFile))?.suite, suite);
  }
  assert.ok(Number(kernels.get("trixie-backports")) >= Number(kernels.get("trixie")), String([...kernels]));
  assert.equal(kernels.get("bookworm"), "6");
  await w.change((text) => text.slice(0, -20));
  await assert.rejects(w.open(), /packages\.lock\.json: expected the lock file .*birther image build --renew/);
  await w.open({ renew: true });
});
