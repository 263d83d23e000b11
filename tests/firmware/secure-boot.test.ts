import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { Machine } from "../../src/core/machine/record.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import type { RunningServer } from "../../src/main/server.ts";
import { type FaultyRack, faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../inside-namespace.ts";

const minuteMs = 60_000;
const networks = demoConfig("/nowhere").networks.map((network) => ({ ...network, secureBoot: true }));
const secure = { firmware: "uefi", secureBoot: true } as const;
const inBirth = machineSpec(1, { ...secure, disks: [{ bus: "nvme", sizeMiB: 8192, serial: "ROOT1" }] });
const overHttp = machineSpec(2, { ...secure, bootFrom: "http" });

/** What goes over when Linux says that it is locked down by Secure Boot: it was started by what is signed, or not at all. */
const enforced = /secureboot: Secure boot enabled/g;

/** What these tests look at: place, server, and what the server said. */
type Scene = { readonly place: FaultyRack; readonly server: RunningServer; readonly said: readonly string[] };

/** Waits until a machine's record holds; throws with the server's last words and the machine's console. */
async function recordOf(
  { place, server, said }: Scene,
  machine: LabMachine,
  what: string,
  seconds: number,
  holds: (record: Machine) => boolean,
): Promise<Machine> {
  return await waitFor(`${machine.name}: ${what}`, seconds, () => {
    const record = server.store.byMac(machine.mac);
    return record !== undefined && holds(record) ? record : undefined;
  }).catch(async (cause) => {
    throw new Error(`${said.slice(-40).join("\n")}\n${await place.console(machine.name)}`, { cause });
  });
}

const isUp = (generation: number) => (record: Machine) =>
  record.state === "healthy" && record.phase === "up" && record.generation === generation;

const timesEnforced = async ({ consoleLogPath }: LabMachine) =>
  (await readFile(consoleLogPath, "utf8")).match(enforced)?.length ?? 0;

const loaderPhases = ({ timeline }: Machine) => timeline.slice(0, 3).map(({ phase, detail }) => `${phase}: ${detail}`);

insideNamespace("Secure Boot, in a namespace", import.meta.url, () => {
  test("OVMF with Microsoft's keys: a whole birth and rebirth by TFTP; beside it UEFI HTTP boot to init", {
    timeout: 14 * minuteMs,
  }, async (t) => {
    const said: string[] = [];
    const log = (_level: string, what: string, facts: object = {}) =>
      void said.push(`${what} ${JSON.stringify(facts)}`);
    await using place = await faultyRack([inBirth, overHttp], log, withSystemImages);
    const [born, other] = place.rack.machines;
    assert.ok(born && other);
    await using server = await place.startServer({ networks });
    const scene = { place, server, said };
    await Promise.all([born.powerOn(), other.powerOn()]);

    const initOfOther = recordOf(
      scene,
      other,
      "init's order",
      400,
      (record) => record.ticket?.taken !== undefined,
    ).then(async (record) => {
      assert.deepEqual(loaderPhases(record), [
        "offered: httpBoot: loader",
        "loaderSent: boot disk: shim and GRUB",
        "kernelSent: kernel and initramfs",
      ]);
      assert.equal(await timesEnforced(other), 1);
      await other.kill();
    });
    const first = recordOf(scene, born, "up", 600, isUp(1));
    await Promise.all([initOfOther, first]);
    const up = await first;
    assert.deepEqual(loaderPhases(up), [
      "offered: firmware: loader",
      "loaderSent: shimx64.efi",
      "kernelSent: kernel and initramfs",
    ]);
    assert.equal(up.hardware?.secureBoot, true);
    assert.equal(up.storage?.encryption.kind, "luks2");
    assert.equal(await timesEnforced(born), 2, "the Bootstrap Image's kernel, then the system image's");

    await server.store.apply({ kind: "rebirthAsked", id: up.id, by: "test" });
    await born.reset();
    await recordOf(scene, born, "up again", 600, isUp(2));
    assert.equal(await timesEnforced(born), 4);
    const asked = said.filter((line) => line.startsWith("TFTP")).map((line) => /"file":"([^"]*)"/.exec(line)?.[1]);
    t.diagnostic(`asked by TFTP: ${[...new Set(asked)].join(" ")}`);
  });
});
