import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import * as v from "valibot";
import { sbomFile } from "../../src/bootstrap-image/build.ts";
import { suites, systemPackages } from "../../src/bootstrap-image/debian/releases.ts";
import { cryptsetupSource, lvm2Source, mbedtlsSource, quickjsSource } from "../../src/bootstrap-image/native-pieces.ts";
import { defaultSuite } from "../../src/core/bootstrap-image/suite.ts";

const root = join(import.meta.dirname, "../..");
const bill = v.object({
  bomFormat: v.literal("CycloneDX"),
  specVersion: v.string(),
  components: v.array(v.object({ name: v.string(), version: v.string(), purl: v.string() })),
});
const lock = v.object({ packages: v.record(v.string(), v.object({ version: v.optional(v.string()) })) });

let directory: string;
const readBill = async (name: string) => v.parse(bill, JSON.parse(await readFile(join(directory, name), "utf8")));

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "birther-sbom-test-"));
  await promisify(execFile)(join(root, "packaging/sbom/sbom"), [directory]);
  await promisify(execFile)(join(root, "packaging/sbom/sbom"), [join(directory, "bookworm"), "bookworm"]);
});
after(() => rm(directory, { recursive: true }));

test("the server's bill names every package of the lock file at its version", async () => {
  const { components } = await readBill("server.cdx.json");
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const { packages } = v.parse(lock, JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")));
  const locked = Object.entries(packages)
    .filter(([path]) => path !== "")
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, "")}@${version}`);
  assert.ok(locked.length > 50);
  assert.deepEqual(
    locked.filter((name) => !listed.has(name)),
    [],
  );
});

for (const [suite, file] of [
  [defaultSuite, sbomFile],
  ["bookworm", `bookworm/${sbomFile}`],
] as const)
  test(`the bill of ${suite} names every package that is unpacked, the sources, and the bundled npm packages`, async () => {
    const { components } = await readBill(file);
    const packages = systemPackages(suites[suite].release, "amd64");
    const named = (name: string) => components.find((component) => component.name === name);
    for (const name of [...packages, "libc6-dev", "libssl-dev", "valibot"]) assert.ok(named(name), `no ${name}`);
    assert.ok(components.some(({ name }) => /^linux-image-\d/.test(name)));
    for (const { name, version } of [quickjsSource, mbedtlsSource, cryptsetupSource, lvm2Source])
      assert.equal(named(name)?.version, version);
    assert.equal(new Set(components.map(({ purl }) => purl)).size, components.length);
    assert.match(named("busybox")?.purl ?? "", /^pkg:deb\/debian\/busybox@1%3A[\d.]+-[^?]+\?arch=amd64$/);
  });

test("a suite that there is not is refused with those that there are", async () => {
  const unknown = promisify(execFile)(join(root, "packaging/sbom/sbom"), [directory, "sid"]);
  await assert.rejects(unknown, { code: 2, stdout: /one of trixie, trixie-backports, bookworm/ });
});

test("the loaders' bill names iPXE and the signed loaders and the stub, at the versions that are handed out", async () => {
  const { components } = await readBill("boot-loaders.cdx.json");
  const names = components.map(({ name }) => name).sort();
  assert.deepEqual(names, ["grub-efi-amd64-signed", "ipxe", "shim-signed", "systemd-boot-efi"]);
  for (const { name, version } of components) assert.match(version, /^\d/, name);
});

test("the audit says that nothing was checked when the registry gives no report", async () => {
  const unreachable = { ...process.env, npm_config_registry: "http://127.0.0.1:9", npm_config_fetch_retries: "0" };
  const audit = promisify(execFile)(join(root, "packaging/sbom/audit"), [], { env: unreachable });
  await assert.rejects(audit, (error: unknown) => {
    const { code, stderr } = v.parse(v.object({ code: v.number(), stderr: v.string() }), error);
    assert.equal(code, 3);
    assert.match(stderr, /nothing was checked/);
    return true;
  });
});
