import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { test } from "node:test";
import { writeCpio } from "../../src/core/bytes/cpio.ts";
import { readUnverified } from "../../src/core/machine/unverified-line.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { makeAuthority } from "../native/certificates.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { faultyRack } from "./faulty-rack.ts";

const minuteMs = 60_000;

await insideNamespace(import.meta.url, () => {
  test("a Bootstrap Image with another authority: the log says by UDP why TLS does not come up", {
    timeout: 30 * minuteMs,
  }, async () => {
    const spec = machineSpec(1, { memoryMiB: 768 });
    await using setUp = await faultyRack([spec]);
    const { pem } = await makeAuthority("another site's CA");
    // The file of a later archive counts.
    const bytes = Buffer.from(pem);
    await appendFile(
      setUp.initramfsPath,
      writeCpio([{ kind: "file", path: "etc/birther/ca.pem", mode: 0o644, bytes }]),
    );
    await using server = await setUp.startServer();
    const { store } = server;
    const lines = () => {
      const machine = store.byMac(spec.mac);
      return machine === undefined ? [] : store.log(machine.id);
    };
    await setUp.rack.find(spec.name)?.powerOn();
    await waitFor("the reason in the log", 900, () =>
      lines().some((line) => /MDB does not answer.*not correctly signed by the trusted CA/.test(line))
        ? true
        : undefined,
    ).catch(async (cause) => {
      throw new Error(`${lines().join("\n")}\n${await setUp.console(spec.name)}`, { cause });
    });
    const read = lines().map(readUnverified);
    assert.ok(read.every((line) => line !== undefined));
    const text = read.map((line) => line?.text).join("\n");
    assert.match(text, /^\[ *[\d.]+\] kernel: /m);
    assert.match(text, /bring the network up/);
    const machine = store.byMac(spec.mac);
    assert.equal(machine?.phase, "kernelSent");
    assert.deepEqual(machine.conditions, []);
    await setUp.rack.find(spec.name)?.kill();
  });
});
