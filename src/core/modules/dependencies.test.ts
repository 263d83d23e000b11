import assert from "node:assert/strict";
import { test } from "node:test";
import { planModules, readBuiltins, readDependencies } from "./dependencies.ts";
import { moduleName } from "./module-name.ts";

const dependencies =
  readDependencies(`kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/net/virtio-net.ko.xz: kernel/net/core/failover.ko.xz
kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio_ring.ko:
`);
const builtins = readBuiltins("kernel/crypto/aes_generic.ko\nkernel/drivers/a-b.ko\n");

test("modules are loaded after their dependencies, each once; built-in ones are skipped", () => {
  assert.deepEqual(planModules(["virtio_blk", "virtio", "aes-generic", "a_b"], dependencies, builtins), {
    files: [
      "kernel/drivers/virtio/virtio_ring.ko",
      "kernel/drivers/virtio/virtio.ko",
      "kernel/drivers/block/virtio_blk.ko",
    ],
    missing: [],
  });
});

test("hyphens and suffixes do not matter; unknown modules are reported", () => {
  assert.deepEqual(planModules(["virtio_net", "dm_crypt"], dependencies, builtins), {
    files: ["kernel/net/core/failover.ko.xz", "kernel/drivers/net/virtio-net.ko.xz"],
    missing: ["dm_crypt"],
  });
});

test("the deepest dependency comes first; modules that this kernel lacks are left out", () => {
  const text = [
    "a/dm-mod.ko:",
    "b/dm-crypt.ko.xz: a/dm-mod.ko c/asn1.ko",
    "c/asn1.ko:",
    "d/aesni-intel.ko: d/simd.ko d/cryptd.ko",
    "d/cryptd.ko:",
  ].join("\n");
  const { files, missing } = planModules(
    ["dm_mod", "dm-crypt", "aesni_intel", "efivarfs"],
    readDependencies(text),
    new Set(),
  );
  assert.deepEqual(files, [
    "a/dm-mod.ko",
    "c/asn1.ko",
    "b/dm-crypt.ko.xz",
    "d/cryptd.ko",
    "d/simd.ko",
    "d/aesni-intel.ko",
  ]);
  assert.deepEqual(missing, ["efivarfs"]);
});

for (const text of ["dm-crypt", "dm_crypt", "kernel/md/dm-crypt.ko", "b/dm-crypt.ko.xz", "dm-crypt.ko.zst"]) {
  test(`${text} is dm_crypt to the kernel`, () => assert.equal(moduleName(text), "dm_crypt"));
}
