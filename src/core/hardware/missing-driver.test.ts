import assert from "node:assert/strict";
import { test } from "node:test";
import type { PciDevice } from "./hardware.ts";
import { boundControllers, hiddenHardware } from "./missing-driver.ts";
import { scanHardware } from "./scan.ts";
import { treeOf } from "./testing/text-tree.ts";

const pciDevices: readonly PciDevice[] = [
  { address: "0000:00:05.0", id: "1000:0012", class: "0100", driver: "" },
  { address: "0000:00:06.0", id: "1000:0054", class: "0107", driver: "mptsas" },
  { address: "0000:00:07.0", id: "14e4:1639", class: "0200", driver: "" },
  { address: "0000:00:08.0", id: "10de:1234", class: "0300", driver: "" },
];

test("controllers and NICs without a driver are named by vendor and device, each kind where it is missed", () => {
  const hardware = { ...scanHardware(treeOf({})), pciDevices };
  assert.deepEqual(hiddenHardware(hardware, "storage controller"), [
    "storage controller 1000:0012 has no driver in the Bootstrap Image",
  ]);
  assert.deepEqual(hiddenHardware(hardware, "NIC"), ["NIC 14e4:1639 has no driver in the Bootstrap Image"]);
  assert.deepEqual(boundControllers(hardware, "storage controller"), ["1000:0054 (mptsas)"]);
});
