import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { faultyRack, reasonFor } from "./faulty-rack.ts";

const minuteMs = 60_000;

/** The fault of each machine, its condition, and the reason that its record must contain. */
const faults = [
  {
    title: "no LLDP on its port",
    spec: machineSpec(1, { memoryMiB: 768, announcement: { kind: "silent" } }),
    condition: "failing",
    says: /LLDP/,
  },
  {
    title: "a switch port that no rule knows",
    spec: machineSpec(2, { memoryMiB: 768, announcement: { kind: "foreign", switchName: "spine-9", port: "Eth1/1" } }),
    condition: "failing",
    says: /spine-9.*Eth1\/1|Eth1\/1.*spine-9/,
  },
  {
    title: "no disk",
    spec: machineSpec(3, { memoryMiB: 768, disks: [] }),
    condition: "failing",
    says: /no disk/,
  },
  {
    title: "a disk too small",
    spec: machineSpec(4, { memoryMiB: 768, disks: [{ bus: "virtio", sizeMiB: 1024, serial: "TINY4" }] }),
    condition: "failing",
    says: /expected 2048 MiB.*1024 MiB/,
  },
  {
    title: "a disk that its firmware has no driver for",
    spec: machineSpec(5, {
      ...{ firmware: "uefi", memoryMiB: 768 },
      disks: [{ bus: "pvscsi", sizeMiB: 8192, serial: "UNSEEN5" }],
    }),
    condition: "failing",
    says: /cannot be started by this UEFI firmware/,
  },
] as const;

await insideNamespace(import.meta.url, () => {
  test("each fault is on the machine's record, and the machine retries by itself", {
    timeout: 60 * minuteMs,
  }, async () => {
    await using setUp = await faultyRack(faults.map((fault) => fault.spec));
    await using server = await setUp.startServer();
    const { store } = server;
    const trial = async ({ title, spec, condition, says }: (typeof faults)[number]) => {
      await setUp.rack.find(spec.name)?.powerOn();
      // On a busy computer another step may be late before this one fails.
      const reason = () => reasonFor(store.byMac(spec.mac), condition);
      await waitFor(`${title}: condition ${condition}`, 900, () => says.test(reason() ?? "") || undefined).catch(
        async (cause) => {
          throw new Error(`${title}: ${reason()}\n${await setUp.console(spec.name)}`, { cause });
        },
      );
      const machine = store.byMac(spec.mac);
      assert.equal(machine?.state, "birth", `${title}: it stays in birth`);
      assert.equal(machine.hostname, undefined, `${title}: it holds no name`);
      const asked = machine.pxe.requests;
      await waitFor(`${title}: another attempt`, 900, () =>
        (store.byMac(spec.mac)?.pxe.requests ?? 0) > asked ? true : undefined,
      );
      await setUp.consoleShows(spec.name, says);
      await setUp.rack.find(spec.name)?.kill();
    };
    await Promise.all(faults.map(trial));
  });
});
