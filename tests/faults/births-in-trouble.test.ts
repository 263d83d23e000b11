import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { briefBurnIn, faultyRack, reasonFor } from "./faulty-rack.ts";

const minuteMs = 60_000;

await insideNamespace(import.meta.url, () => {
  test("a failing burn-in leads to the debug image, and the record says so", { timeout: 30 * minuteMs }, async () => {
    const spec = machineSpec(1, { memoryMiB: 768 });
    await using setUp = await faultyRack([spec]);
    // No machine hashes this fast, so every one fails.
    await using server = await setUp.startServer({
      burnIn: { ...briefBurnIn, cpuSeconds: 1, minCpuHashesPerSecond: 1_000_000_000_000 },
    });
    await setUp.rack.machines[0]?.powerOn();
    const machine = await waitFor("the machine to be declared healthy", 900, () => {
      const found = server.store.byMac(spec.mac);
      return found?.state === "healthy" ? found : undefined;
    }).catch(async (cause) => {
      throw new Error(await setUp.console(spec.name), { cause });
    });
    assert.equal(machine.requiredImage, "debug");
    assert.equal(machine.burnIn?.verdict, "failed");
    assert.match(reasonFor(machine, "debug") ?? "", /cpu/i);
  });

  test("the server disappears in the middle: the machine is born nevertheless; another that claims its slot waits in conflict", {
    timeout: 80 * minuteMs,
  }, async () => {
    const first = machineSpec(1, { memoryMiB: 768 });
    const second = machineSpec(2, {
      memoryMiB: 768,
      announcement: { kind: "foreign", switchName: "tor-1", port: "swp1" },
    });
    await using setUp = await faultyRack([first, second]);
    {
      await using server = await setUp.startServer();
      await setUp.rack.find(first.name)?.powerOn();
      await waitFor("init to be up", 900, () =>
        server.store.byMac(first.mac)?.timeline.some((entry) => entry.phase === "initUp") ? true : undefined,
      );
    }
    // Long enough for requests to fail; shorter or longer than the machine's retry limit, both must end well.
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    await using server = await setUp.startServer();
    const { store } = server;
    const holder = await waitFor("the first to be healthy", 900, () => {
      const found = store.byMac(first.mac);
      return found?.state === "healthy" ? found : undefined;
    }).catch(async (cause) => {
      throw new Error(await setUp.console(first.name), { cause });
    });
    await setUp.rack.find(second.name)?.powerOn();
    const reason = await waitFor("the conflict of the second", 900, () =>
      reasonFor(store.byMac(second.mac), "conflict"),
    ).catch(async (cause) => {
      throw new Error(await setUp.console(second.name), { cause });
    });
    assert.match(reason, /r01u01/);
    assert.equal(store.byMac(second.mac)?.hostname, undefined);
    const after = store.byMac(first.mac);
    assert.deepEqual(
      [after?.hostname, after?.permanentAddress, after?.state],
      [holder.hostname, holder.permanentAddress, "healthy"],
    );
  });
});
