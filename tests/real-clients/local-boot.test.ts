import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { MachineEvent } from "../../src/core/machine/event.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";
import { lessonsOf } from "../../src/core/pxe/local-boot/lesson.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { mac, type Site, startSite, until } from "./site.ts";

const id = machineIdFromMac(macOf(mac));
const smbios = { vendor: "Dull", product: "R1", serial: "1", uuid: "" };

/** The record after a birth. */
async function declareHealthy(site: Site): Promise<void> {
  const placement = { switchName: "tor-1", port: "swp1", position: {}, hostname: "r01u01", address: ip("10.77.1.65") };
  const rootDisk = { path: "/dev/vda", serial: "", sizeBytes: 1, why: "only" };
  const asked = { kind: "pxeAsked", mac: macOf(mac), firmware: "bios", network: "rack", nursery: true } as const;
  const parts = {
    cpus: 1,
    cpuModel: "",
    memoryMiB: 1024,
    disks: [],
    nics: [],
    secureBoot: false,
    tpm: false,
    watchdog: "",
  };
  const events: readonly MachineEvent[] = [
    { ...asked, stage: "firmware", answer: "loader" },
    { kind: "orderIssued", id, tokenHash: "t", expiresAtMs: 9e12 },
    { kind: "orderTaken", id, mac: macOf(mac), tokenHash: "t", bootId: "b", sessionHash: "s" },
    { kind: "hardwareScanned", id, hardware: { ...parts, firmware: "bios", smbios } },
    {
      ...{ kind: "becameHealthy", id, generation: 1, image: "compute" },
      ...{ placement, storage: { rootDisk, encryption: { kind: "none", reason: "test" } }, subTokenHash: "sub" },
    },
    { kind: "phaseSeen", id, phase: "rebooting" },
  ];
  for (const event of events) assert.equal((await site.store.apply(event)).kind, "changed", event.kind);
}

/** One boot of a BIOS PXE ROM, as far as DHCP is concerned. */
async function askAsRom(site: Site): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "birther-rom-"));
  try {
    writeFileSync(join(directory, "script"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    const rom = ["-V", "PXEClient:Arch:00000:UNDI:002001", "-x", "0x5d:0000", "-O", "bootfile"];
    const options = ["-f", "-n", "-q", "-t", "6", "-T", "15", "-s", join(directory, "script")];
    await site.wire.run(["udhcpc", ...options, "-i", site.wire.clientInterface, ...rom]);
  } finally {
    rmSync(directory, { recursive: true });
  }
  return site.store.get(id)?.pxe.lastAnswer ?? "";
}

await insideNamespace(import.meta.url, () => {
  test("a machine that comes back is sent to its disk by the next method; the method that worked is used first from then on", async () => {
    await using site = await startSite();
    await declareHealthy(site);
    assert.equal(await askAsRom(site), "local: localBootMenu");
    assert.equal(await askAsRom(site), "local: bootFileRefused");
    assert.ok(site.lines.some((line) => line.includes("trying another method")));
    assert.deepEqual(lessonsOf(site.store), [], "nothing is known to work yet");
    await site.store.apply({ kind: "subSeen", id, fromDisk: true, runningImage: "compute" });
    await until(site, "a lesson", () => lessonsOf(site.store).length > 0);
    const [lesson] = lessonsOf(site.store);
    assert.deepEqual(
      [lesson?.vendor, lesson?.product, lesson?.client, lesson?.scores],
      ["Dull", "R1", "biosPxe", { bootFileRefused: 1, localBootMenu: -1 }],
    );
    assert.equal(await askAsRom(site), "local: bootFileRefused");
  });
});
