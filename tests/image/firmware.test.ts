import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cached } from "../../src/bootstrap-image/cached.ts";
import { readLock } from "../../src/bootstrap-image/debian/lock.ts";
import { openDebian, packagesKey } from "../../src/bootstrap-image/debian/packages.ts";
import { firmwareFiles, packagesOfFamilies } from "../../src/bootstrap-image/kernel/firmware.ts";
import { fetchKernel } from "../../src/bootstrap-image/kernel/kernel.ts";
import { firmwareFamilies, firmwareFamilyNames } from "../../src/core/bootstrap-image/firmware-families.ts";
import { bootstrapSuites } from "../../src/core/bootstrap-image/suite.ts";
import { cacheDirectory } from "../../src/main/paths.ts";
import { debianOf } from "../support/debian.ts";

/** Names that drivers ask for first, one of each kind of card that does nothing without. */
const needed = {
  bnx2: /^bnx2\/bnx2-mips-09-/,
  bnx2x: /^bnx2x\/bnx2x-e2-7\.13\./,
  liquidio: /^liquidio\/lio_/,
  myri10ge: /^myri10ge_/,
  netxen: /^phanfw\.bin$/,
  nfp: /^netronome\/nic/,
  qede: /^qed\/qed_init_values/,
} as const;

for (const suite of bootstrapSuites)
  test(`${suite}: every firmware family has drivers in the kernel and files in Debian's packages`, async () => {
    const debian = await debianOf(suite);
    const kernel = await fetchKernel({ debian, cacheDirectory, log: () => {} });
    const packages = await debian.firmware.resolve(packagesOfFamilies(firmwareFamilyNames, debian.release));
    const tree = await cached(cacheDirectory, `firmware-tree-${packagesKey(packages)}`, (draft) =>
      debian.firmware.unpack(packages, draft),
    );
    const files = await firmwareFiles(kernel, firmwareFamilyNames, tree);
    const pathsOf = (wanted: string) =>
      files.filter(({ family }) => family === wanted).map(({ entry }) => entry.path.replace("usr/lib/firmware/", ""));
    for (const { family, without } of firmwareFamilies) {
      const paths = pathsOf(family);
      assert.ok(
        paths.some((path) => !path.startsWith("usr/lib/modules/")),
        `${family}: no firmware`,
      );
      if (without.kind === "nothing")
        assert.ok(
          paths.some((path) => path.endsWith(".ko")),
          `${family}: no driver`,
        );
    }
    for (const [family, name] of Object.entries(needed))
      assert.ok(
        pathsOf(family).some((path) => name.test(path)),
        `${family}: ${name} is in none of ${pathsOf(family)}`,
      );
    const named = new Set(files.map(({ entry }) => `/${entry.path}`));
    for (const { entry } of files) if (entry.kind === "link") assert.ok(named.has(entry.target), entry.target);
    const dependencies = files.find(({ entry }) => entry.path.endsWith("/modules.dep"))?.entry;
    assert.ok(dependencies?.kind === "file");
    assert.match(Buffer.from(dependencies.bytes).toString(), /bnx2x\.ko:.*\n(.*\n)*.*virtio_net\.ko:/);
  });

test("firmware is pinned in the lock file with its families; a renewal takes today's, and no family removes both", async () => {
  const directory = await mkdtemp(join(tmpdir(), "birther-firmware-lock-"));
  try {
    const lockFile = join(directory, "packages.lock.json");
    const open = (renew = false) => openDebian({ suite: "trixie", cacheDirectory, lockFile, renew, log: () => {} });
    const first = await open();
    const [today] = await first.firmware.resolve(["firmware-bnx2x"]);
    assert.match(today?.file ?? "", /^firmware-bnx2x_\d+-/);
    await first.kernel();
    await first.keep({ families: ["bnx2x"], profile: "virtual" });
    const older = today?.file.replace(/_[^_]+_all/, "_20200101-1_all") ?? "";
    await writeFile(lockFile, (await readFile(lockFile, "utf8")).replace(today?.file ?? "", older));
    const second = await open();
    assert.deepEqual([second.lastFamilies, second.lastProfile], [["bnx2x"], "virtual"]);
    assert.equal((await second.firmware.resolve(["firmware-bnx2x"]))[0]?.file, older);
    const renewed = await open(true);
    assert.deepEqual([renewed.lastFamilies, renewed.lastProfile], [["bnx2x"], "virtual"]);
    assert.equal((await renewed.firmware.resolve(["firmware-bnx2x"]))[0]?.file, today?.file);
    await renewed.kernel();
    await renewed.keep({ families: [] });
    assert.equal((await readLock(lockFile))?.firmware, undefined);
  } finally {
    await rm(directory, { recursive: true });
  }
});
