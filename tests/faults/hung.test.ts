import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { test } from "node:test";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { writeCpio } from "../../src/core/bytes/cpio.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { faultyRack } from "./faulty-rack.ts";

await insideNamespace(import.meta.url, () => {
  test("the hardware watchdog resets the machine, and it boots from the network again", {
    timeout: 40 * 60_000,
  }, async () => {
    const spec = machineSpec(1, { memoryMiB: 768 });
    await using setUp = await faultyRack([spec]);
    const script = await bundleForQuickJs({ entry: new URL("./hung-init.ts", import.meta.url).pathname });
    // The kernel unpacks one archive after the other, and the last init.js is used.
    const hung = writeCpio([{ kind: "file", path: "usr/lib/birther/init.js", mode: 0o644, bytes: script }]);
    await appendFile(setUp.initramfsPath, hung);
    await using server = await setUp.startServer();
    const machine = setUp.rack.machines[0];
    assert.ok(machine);
    let bites = 0;
    machine.watch(({ event }) => {
      if (event === "WATCHDOG") bites += 1;
    });
    await machine.powerOn();
    await waitFor("the watchdog to bite", 900, () => (bites > 0 ? true : undefined)).catch(async (cause) => {
      throw new Error(await setUp.console(spec.name), { cause });
    });
    const asked = server.store.byMac(spec.mac)?.pxe.requests ?? 0;
    await waitFor("the machine to ask again", 900, () =>
      (server.store.byMac(spec.mac)?.pxe.requests ?? 0) > asked ? true : undefined,
    );
    await setUp.consoleShows(spec.name, /exceeded its time limit: hang on purpose/);
  });
});
