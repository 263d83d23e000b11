import assert from "node:assert/strict";
import { test } from "node:test";
import { moduleParameters } from "./parameters.ts";

const commandLine =
  "birther.token=aa watchdog.stop_on_reboot=0 nvme-core.io_timeout=60 nvme_core.multipath panic=30 a.b.c=1\n";

for (const [module, parameters] of [
  ["kernel/drivers/watchdog/watchdog.ko", "stop_on_reboot=0"],
  ["kernel/drivers/nvme/host/nvme-core.ko.xz", "io_timeout=60 multipath"],
  ["nvme_core", "io_timeout=60 multipath"],
  ["kernel/drivers/nvme/host/nvme.ko", ""],
  ["panic", ""],
  ["a", ""],
] as const) {
  test(`parameters on the command line: ${module} has ${parameters || "none"}`, () => {
    assert.equal(moduleParameters(commandLine, module), parameters);
  });
}
