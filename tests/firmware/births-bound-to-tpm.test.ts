import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { endorsementTemplate } from "../../src/core/tpm/public-area.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { faultyRack, reasonFor } from "../faults/faulty-rack.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { firmwareTreeOf } from "../support/machine-firmware.ts";
import { inInit, keptLog, recordOf } from "./record-of.ts";

const bios = machineSpec(1, { tpm: "tpm-tis" });
const uefi = machineSpec(2, { firmware: "uefi", tpm: "tpm-crb", firmwareTree: await firmwareTreeOf("trixie") });
const server = "10.77.0.1";

/** The token of the machine's newest boot script, which anyone on the wire can fetch. */
async function stolenToken(mac: string): Promise<string> {
  const script = await (await fetch(`http://${server}/boot/${mac}.ipxe`)).text();
  return /birther\.token=(\S+)/.exec(script)?.[1] ?? assert.fail(script);
}

/** Presents a token from a host that is not the machine. */
async function present(caPath: string, body: object): Promise<{ readonly status: number; readonly answer: string }> {
  const ca = await readFile(caPath, "utf8");
  return await new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const to = {
      host: server,
      port: 443,
      path: "/machine/v1/order",
      method: "POST",
      servername: "birther",
      ca,
      headers,
    };
    request(to, async (response) => resolve({ status: response.statusCode ?? 0, answer: await text(response) }))
      .on("error", reject)
      .end(JSON.stringify(body));
  });
}

await insideNamespace(import.meta.url, () => {
  test("TPMs of swtpm: born bound, reborn with the same TPM, no order for another TPM or for a thief of the token", {
    timeout: 60 * 60_000,
  }, async () => {
    const { said, log } = keptLog();
    await using place = await faultyRack([bios, uefi], log);
    await using running = await place.startServer();
    const scene = { place, server: running, said };
    const [machine, other] = place.rack.machines;
    assert.ok(machine && other);
    await machine.powerOn();
    const first = await recordOf(scene, machine, {
      what: "born",
      seconds: 1200,
      holds: ({ state }) => state === "healthy",
    });
    assert.match(first.tpm?.ekSha256 ?? "", /^[0-9a-f]{64}$/);

    await running.store.apply({ kind: "rebirthAsked", id: first.id, by: "test" });
    await machine.kill();

    // A thief fetches the boot script, and knows the public key.
    const caPath = `${pathsIn(`${place.directory}/state`).pki}/ca.pem`;
    const asThief = { protocol: 1, mac: machine.mac, bootId: "thief", firmware: "bios" };
    const token = await stolenToken(machine.mac);
    for (const tpm of [{}, { tpm: { kind: "none" } }, { tpm: { kind: "unusable", reason: "broken" } }]) {
      const { status, answer } = await present(caPath, { ...asThief, token, ...tpm });
      assert.equal(status, 403, answer);
      assert.match(answer, /otherTpm/);
    }
    const ek = Buffer.from(endorsementTemplate("rsa2048")).fill(0xab, 58).toString("hex");
    const claimed = { kind: "key", ek, activator: "0023000b00050472", secret: "00".repeat(32) };
    const challenged = await present(caPath, { ...asThief, token, tpm: claimed });
    assert.deepEqual(Object.keys(JSON.parse(challenged.answer)), ["challenge"], challenged.answer);
    assert.equal(running.store.byMac(machine.mac)?.order?.taken, undefined, "nobody has the order");

    // The machine's own TPM settles the conflict; then the machine gets another one.
    await machine.powerOn();
    const again = await recordOf(scene, machine, {
      what: "init's order in generation 2",
      seconds: 1200,
      holds: ({ order }) => order?.generation === 2 && order.taken !== undefined,
    });
    assert.deepEqual(again.tpm, first.tpm);
    assert.equal(reasonFor(again, "conflict"), undefined);
    await machine.kill();
    await rm(machine.tpmStatePath, { recursive: true });
    await machine.powerOn();
    const stranger = await recordOf(scene, machine, {
      what: "a conflict",
      seconds: 1200,
      holds: (record) => reasonFor(record, "conflict") !== undefined,
    });
    assert.match(reasonFor(stranger, "conflict") ?? "", /expected its endorsement key.*--accept-tpm/);
    assert.equal(stranger.order?.taken, undefined, "no order for another TPM");
    await place.consoleShows(machine.name, /bound to another/);
    await machine.kill();

    await other.powerOn();
    const byCrb = await recordOf(scene, other, inInit());
    assert.match(byCrb.tpm?.ekSha256 ?? "", /^[0-9a-f]{64}$/, "a TPM at the other interface, on UEFI firmware");
    assert.notEqual(byCrb.tpm?.ekSha256, first.tpm?.ekSha256);
  });
});
