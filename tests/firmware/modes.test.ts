import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Machine } from "../../src/core/machine/record.ts";
import { formatIpv4, noAddress } from "../../src/core/net/ipv4.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { type BootEnvironment, bootEnvironment, rackNetwork } from "./boot-environment.ts";

const record = (place: BootEnvironment, index: number): Machine =>
  place.store.byMac(place.rack.machines[index]?.mac ?? assert.fail()) ?? assert.fail("no record");

await insideNamespace(import.meta.url, () => {
  test("proxy: SeaBIOS with iPXE and OVMF take dnsmasq's address and our script", {
    timeout: 20 * 60_000,
  }, async () => {
    const machines = [machineSpec(1), machineSpec(2, { firmware: "uefi" })];
    await using place = await bootEnvironment({ machines, network: rackNetwork({ mode: "proxy" }), otherDhcp: true });
    await Promise.all(place.rack.machines.map((machine) => machine.powerOn()));
    // Side by side: once the kernel, which is none, has failed, a machine begins again.
    const toScript = async ({ name, mac }: LabMachine, index: number) => {
      await place.line(`the script of ${name}`, 600, ({ message, facts }) => {
        return message === "boot script sent" && facts.machine === place.store.byMac(mac)?.id;
      });
      const { state, temporaryAddress = noAddress, phase } = record(place, index);
      assert.equal(state, "birth");
      assert.match(formatIpv4(temporaryAddress), /^10\.77\.0\.1\d\d$/, "leased by dnsmasq");
      assert.ok(phase === "loaderSent" || phase === "kernelSent", phase);
    };
    await Promise.all(place.rack.machines.map(toScript));
    const [network] = place.networks();
    assert.deepEqual([network?.mode, network?.notServed], ["proxy", undefined]);
    assert.equal(network?.foreignDhcp?.address, "10.77.0.2");
    assert.match(network?.foreignDhcp?.mac ?? "", /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
  });

  test("proxy: OVMF that is not to be installed continues with its next boot entry at once", {
    timeout: 20 * 60_000,
  }, async (context) => {
    const network = rackNetwork({ mode: "proxy", nursery: false, secureBoot: true });
    await using place = await bootEnvironment({
      machines: [machineSpec(1, { firmware: "uefi" })],
      network,
      otherDhcp: true,
    });
    const [machine] = place.rack.machines;
    assert.ok(machine);
    await machine.powerOn();
    const offer = await place.line("our offer", 600, ({ message }) => message === "DHCP offer");
    await waitFor("the next boot entry", 600, () =>
      /BdsDxe: failed to (load|start) [^\n]*PXEv4/.test(readFileSync(machine.consoleLogPath, "utf8"))
        ? true
        : undefined,
    );
    const seconds = (performance.now() - offer.atMs) / 1000;
    context.diagnostic(`${seconds.toFixed(1)} s from the first offer`);
    // "Remote boot cancelled", not the minute of an unanswered entry (PXE-E16, PXE-E18).
    assert.match(readFileSync(machine.consoleLogPath, "utf8"), /PXE-E21/);
    assert.equal(record(place, 0).pxe.lastAnswer, "local: localBootMenu");
    const warned = place.lines.find(({ message }) => message.includes("would stop in GRUB"));
    assert.match(String(warned?.message), /found 10\.77\.0\.2/, "dnsmasq names itself");
    assert.match(String(warned?.facts.next), /next-server to 10\.77\.0\.1/);
  });

  test("full: dnsmasq is found at the start and named, unknown machines are not served, withheld answers are logged", {
    timeout: 20 * 60_000,
  }, async () => {
    await using place = await bootEnvironment({
      machines: [machineSpec(1)],
      network: rackNetwork({}),
      otherDhcp: true,
    });
    const named = await place.line("the other server's name", 60, ({ message }) =>
      message.includes("unknown machines are not served"),
    );
    assert.deepEqual([named.facts.server, named.facts.mac], ["10.77.0.2", "02:00:00:00:00:99"]);
    assert.match(place.networks()[0]?.notServed ?? "", /mode: proxy/);
    await place.rack.machines[0]?.powerOn();
    const would = await place.line(
      "a DISCOVER",
      600,
      ({ message }) => message === "DHCP request not answered in listen mode",
    );
    assert.match(String(would.facts.would), /^offer 10\.77\.0\.\d+, script http/);
    const machine = record(place, 0);
    assert.deepEqual([machine.state, machine.pxe.responses], ["unknown", 0]);
    assert.match(machine.pxe.lastAnswer, /^withheld: script/);
  });
});
