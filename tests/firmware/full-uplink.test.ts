import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { firmwareTreeOf } from "../support/machine-firmware.ts";

/** Fetches a boot image as iPXE would, from the server's own address. */
async function fetchAsIpxe(path: string, more: { readonly range?: string } = {}): Promise<void> {
  const response = await fetch(`http://10.77.0.1${path}`, { headers: { "user-agent": "iPXE/1.21.1", ...more } });
  assert.ok(response.ok, `${path}: ${response.status}`);
  await response.arrayBuffer();
}

await insideNamespace(import.meta.url, () => {
  test("two machines with Debian 13's iPXE in their ROM wait while the uplink is taken, as their records say; they retry, and both reach init", {
    timeout: 30 * 60_000,
  }, async () => {
    const firmwareTree = await firmwareTreeOf("trixie");
    await using place = await faultyRack([machineSpec(1, { firmwareTree }), machineSpec(2, { firmwareTree })]);
    // 4 seconds of 10 Mbit/s are less than the Bootstrap Image: one at a time.
    await using server = await place.startServer({ uplinkMbps: 10 });
    const notified: string[] = [];
    const inInit = new Set<string>();
    const waited = new Set<string>();
    server.store.watch(({ event, machine }) => {
      if (event.kind === "orderTaken") inInit.add(machine.id);
      if (event.kind === "conditionSet" && event.condition === "waiting") {
        waited.add(machine.id);
        notified.push(`${machine.id} ${event.reason}`);
      }
      if (event.kind === "conditionCleared") notified.push(`${machine.id} goes on`);
    });
    const { machines } = place.rack;
    const until = (what: string, holds: () => boolean | Promise<boolean>) =>
      waitFor(what, 800, async () => (await holds()) || undefined).catch(async (cause) => {
        const consoles = await Promise.all(machines.map(({ name }) => place.console(name)));
        throw new Error([...notified, ...consoles].join("\n"), { cause });
      });
    await fetchAsIpxe("/vmlinuz", { range: "bytes=0-0" });
    await Promise.all(machines.map((machine) => machine.powerOn()));
    // Whenever each of them comes: a client that goes on fetching keeps its place.
    await until("both machines in the queue", async () => {
      await fetchAsIpxe("/vmlinuz", { range: "bytes=0-0" });
      return waited.size === machines.length;
    });
    assert.equal(inInit.size, 0);
    for (const path of ["/vmlinuz", "/initramfs.img"]) await fetchAsIpxe(path);
    await until("both machines' orders", () => inInit.size === machines.length);
    for (const id of waited) {
      const [first = "", ...rest] = notified.filter((line) => line.startsWith(`${id} `));
      assert.match(first, / position [12] in the uplink queue, about \d+ s left$/, notified.join("\n"));
      assert.ok(rest.includes(`${id} goes on`), notified.join("\n"));
    }
  });
});
