import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { firmwareTreeOf } from "../support/machine-firmware.ts";

await insideNamespace(import.meta.url, () => {
  test("of two machines with Debian 13's iPXE in their ROM one waits in the queue, as its record says; it retries, and both reach init", {
    timeout: 240_000,
  }, async () => {
    const firmwareTree = await firmwareTreeOf("trixie");
    await using place = await faultyRack([machineSpec(1, { firmwareTree }), machineSpec(2, { firmwareTree })]);
    // 4 seconds of 10 Mbit/s are less than the Bootstrap Image: one at a time.
    await using server = await place.startServer({ uplinkMbps: 10 });
    const notified: string[] = [];
    const inInit = new Set<string>();
    server.store.watch(({ event, machine }) => {
      if (event.kind === "orderTaken") inInit.add(machine.id);
      if (event.kind === "conditionSet" && event.condition === "waiting")
        notified.push(`${machine.id} ${event.reason}`);
      if (event.kind === "conditionCleared") notified.push(`${machine.id} goes on`);
    });
    const { machines } = place.rack;
    await Promise.all(machines.map((machine) => machine.powerOn()));
    await waitFor("both machines' orders", 220, () => (inInit.size === machines.length ? true : undefined)).catch(
      async (cause) => {
        throw new Error(
          `${notified.join("\n")}\n${await place.console("machine-1")}\n${await place.console("machine-2")}`,
          {
            cause,
          },
        );
      },
    );
    const [first = "", ...rest] = notified;
    assert.match(first, /^m-5254\w+ position 1 in the uplink queue, about \d+ s left$/);
    const [waiter] = first.split(" ");
    assert.ok(rest.includes(`${waiter} goes on`), notified.join("\n"));
    assert.ok(
      notified.every((line) => line.startsWith(`${waiter} `)),
      notified.join("\n"),
    );
  });
});
