import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { bootEnvironment, rackNetwork } from "./boot-environment.ts";

/**
 * SeaBIOS does not retry: after its ROM's time-outs a person has to press the power button. A machine that needed four starts was
 * seen; one that needs more than these has another trouble than loss.
 */
const mostPowerCycles = 40;

await insideNamespace(import.meta.url, () => {
  test("two machines' iPXE get their scripts and an address each despite 30 % loss in both directions", {
    timeout: 30 * 60_000,
  }, async (t) => {
    const machines = [machineSpec(1, { lossPercent: 30 }), machineSpec(2, { lossPercent: 30 })];
    await using place = await bootEnvironment({ machines, network: rackNetwork({ allowForeignDhcp: true }) });
    const toScript = async (machine: LabMachine): Promise<number> => {
      await machine.powerOn();
      for (let cycles = 1; ; cycles += 1) {
        const read = readFileSync(machine.consoleLogPath).length;
        const end = await waitFor(`${machine.name}: its script, or the end of its boot`, 600, () => {
          const id = place.store.byMac(machine.mac)?.id;
          if (place.lines.some(({ message, facts }) => message === "boot script sent" && facts.machine === id))
            return "script";
          const text = readFileSync(machine.consoleLogPath, "utf8").slice(read);
          return text.includes("No bootable device") ? "gave up" : undefined;
        });
        if (end === "script") return cycles;
        assert.ok(cycles < mostPowerCycles, `${machine.name} gave up ${cycles} times`);
        await machine.reset();
      }
    };
    const startedMs = performance.now();
    const cycles = await Promise.all(place.rack.machines.map(toScript));
    t.diagnostic(`${((performance.now() - startedMs) / 1000).toFixed(0)} s, starts: ${cycles.join(" and ")}`);
    const addresses = place.rack.machines.map(({ mac }) => place.store.byMac(mac)?.temporaryAddress);
    assert.equal(new Set(addresses).size, 2, `${addresses.length} machines share an address`);
    assert.equal(place.store.list().length, 2);
  });
});
