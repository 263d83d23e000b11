import assert from "node:assert/strict";
import { test } from "node:test";
import { divide, fileComponent, moduleComponent } from "./components.ts";

test("the shares of a part's components add up to its bytes, whatever the rounding; files without contents have none", () => {
  const files = [
    { name: "a", weight: 1 },
    { name: "b", weight: 1 },
    { name: "a", weight: 1 },
    { name: "link", weight: 0 },
    { name: "c", weight: 4 },
  ];
  assert.deepEqual(divide("system", files, 100), [
    { part: "system", name: "c", bytes: 57 },
    { part: "system", name: "a", bytes: 29 },
    { part: "system", name: "b", bytes: 14 },
  ]);
  for (let total = 0; total < 50; total += 1)
    assert.equal(
      divide("p", files, total).reduce((sum, { bytes }) => sum + bytes, 0),
      total,
    );
  assert.deepEqual(divide("empty", [], 3), []);
});

test("modules belong to what they drive, other files to themselves", () => {
  const below = "usr/lib/modules/6.12.1-amd64";
  assert.equal(moduleComponent(`${below}/kernel/drivers/net/ethernet/intel/ice/ice.ko`), "network drivers");
  assert.equal(moduleComponent(`${below}/kernel/drivers/nvme/host/nvme.ko`), "storage drivers");
  assert.equal(moduleComponent(`${below}/kernel/drivers/watchdog/softdog.ko`), "watchdogs and management");
  assert.equal(moduleComponent(`${below}/kernel/fs/ext4/ext4.ko`), "file systems, encryption and buses");
  assert.equal(moduleComponent(`${below}/modules.alias`), "indexes");
  assert.equal(fileComponent("usr/lib/birther/grub/core.img"), "GRUB");
  assert.equal(fileComponent("usr/sbin/mke2fs"), "mke2fs");
  assert.equal(fileComponent("init"), "native program");
});
