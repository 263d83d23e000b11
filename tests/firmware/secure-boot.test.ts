import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import { faultyRack, reasonFor } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../inside-namespace.ts";

const networks = demoConfig("/nowhere").networks.map((network) => ({ ...network, secureBoot: true }));

const ways = [
  {
    bootFrom: "http",
    how: "from a disk that came by HTTP",
    loader: ["offered: httpBoot: loader", "loaderSent: boot disk: shim and GRUB"],
  },
  {
    bootFrom: "pxe",
    how: "all by TFTP",
    loader: ["offered: firmware: loader", "loaderSent: shimx64.efi"],
  },
] as const;

insideNamespace("Secure Boot, in a namespace", import.meta.url, () => {
  for (const { bootFrom, how, loader } of ways)
    test(`OVMF with Microsoft's keys starts shim, GRUB and Debian's kernel, ${how}`, {
      timeout: 450_000,
    }, async (t) => {
      const lines: string[] = [];
      const spec = machineSpec(1, { firmware: "uefi", secureBoot: true, bootFrom });
      await using place = await faultyRack([spec], (_level, what, facts) => {
        lines.push(`${what} ${JSON.stringify(facts ?? {})}`);
      });
      const [machine] = place.rack.machines;
      assert.ok(machine);
      await using server = await place.startServer({ networks });
      await machine.powerOn();
      const born = await waitFor("init's order", 400, () => {
        const record = server.store.byMac(machine.mac);
        return record?.ticket?.taken === undefined ? undefined : record;
      }).catch(async (cause) => {
        throw new Error(`${lines.slice(-40).join("\n")}\n${await place.console(machine.name)}`, { cause });
      });
      assert.deepEqual(
        born.timeline.slice(0, 3).map(({ phase, detail }) => `${phase}: ${detail}`),
        [...loader, "kernelSent: kernel and initramfs"],
      );
      assert.match(await readFile(machine.consoleLogPath, "utf8"), /secureboot: Secure boot enabled/);
      const refused = await waitFor("the end of its birth", 60, () =>
        reasonFor(server.store.byMac(machine.mac), "failing"),
      );
      assert.match(refused, /Secure Boot is on/);
      const asked = lines.filter((line) => line.startsWith("TFTP")).map((line) => /"file":"([^"]*)"/.exec(line)?.[1]);
      t.diagnostic(`asked by TFTP: ${[...new Set(asked)].join(" ")}`);
    });
});
