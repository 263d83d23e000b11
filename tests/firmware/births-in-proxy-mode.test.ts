import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { formatIpv4, noAddress } from "../../src/core/net/ipv4.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import { faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { assertAgentUpgraded, changeAgentBuild } from "./agent-upgrade.ts";
import { startDnsmasq } from "./other-dhcp.ts";
import { inInit, keptLog, loaderPhases, recordOf, up } from "./record-of.ts";

/** The pool is the range that dnsmasq leases. */
const networks = demoConfig("/nowhere").networks.map((network) => ({
  ...network,
  ...({ mode: "proxy", secureBoot: true } as const),
  temporaryPool: { first: "10.77.0.100", last: "10.77.0.199" },
}));
const secure = { firmware: "uefi", secureBoot: true } as const;
const machines = [machineSpec(1), machineSpec(2, { ...secure, bootFrom: "http" }), machineSpec(3, secure)];

await insideNamespace(import.meta.url, () => {
  test("beside a real dnsmasq: a BIOS machine from power-on to up; UEFI under Secure Boot, by HTTP and by PXE, to init", {
    timeout: 80 * 60_000,
  }, async (t) => {
    const { said, log } = keptLog();
    await using place = await faultyRack(machines, log, withSystemImages);
    // Debian's GRUB does not support ProxyDHCP; it fetches from the server that the lease names.
    await using _other = await startDnsmasq(place.directory, ["--dhcp-boot=,,10.77.0.1"]);
    const [bios, byHttp, byPxe] = place.rack.machines;
    assert.ok(bios && byHttp && byPxe);
    let installed = "";
    {
      await using server = await place.startServer({ networks });
      const scene = { place, server, said };
      await Promise.all(place.rack.machines.map((machine) => machine.powerOn()));
      const toInit = async (machine: LabMachine) => {
        const record = await recordOf(scene, machine, inInit());
        await machine.kill();
        return loaderPhases(record);
      };
      const [born, ...loaders] = await Promise.all([recordOf(scene, bios, up(1)), toInit(byHttp), toInit(byPxe)]);
      assert.deepEqual(loaders, [
        ["offered: httpBoot: loader", "loaderSent: boot disk: shim and GRUB", "kernelSent: kernel and initramfs"],
        ["offered: firmware: loader", "loaderSent: shimx64.efi", "kernelSent: kernel and initramfs"],
      ]);
      assert.match(formatIpv4(born.temporaryAddress ?? noAddress), /^10\.77\.0\.1\d\d$/, "leased by dnsmasq");
      assert.match(born.pxe.lastAnswer, /^local/, "and sent to its disk, beside dnsmasq, too");
      assert.ok(!said.some((line) => line.includes("would stop in GRUB")), "dnsmasq names us");
      // The permanent address belongs to the machine: init and its system set it, nobody leases it.
      assert.equal(born.permanentAddress, ip("10.77.1.65"));
      assert.doesNotMatch(await readFile(join(place.directory, "leases"), "utf8"), /10\.77\.1\./);
      installed = born.agent?.version ?? assert.fail("a machine that is up names its agent");
    }
    await changeAgentBuild(place);
    await using server = await place.startServer({ networks });
    await t.test("the agent of the next build takes over a machine that is up", () =>
      assertAgentUpgraded({ place, server, said }, bios, installed),
    );
  });
});
