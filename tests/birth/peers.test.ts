import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import type { Machine } from "../../src/core/machine/record.ts";
import type { Store } from "../../src/core/ports.ts";
import { type MachineSpec, machineSpec } from "../../src/lab/machine-spec.ts";
import { type FaultyRack, faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { birther } from "./birther-cli.ts";

const minuteMs = 60_000;

/** Bytes that a machine has sent: what came out of its tap. */
function sentBy(tap: string): number {
  const [link] = JSON.parse(execFileSync("ip", ["-json", "-stats", "link", "show", tap], { encoding: "utf8" })) as [
    { readonly stats64: { readonly rx: { readonly bytes: number } } },
  ];
  return link.stats64.rx.bytes;
}

/** Waits until a machine is up with its image. */
async function untilUp({ console }: FaultyRack, store: Store, spec: MachineSpec): Promise<Machine> {
  return await waitFor(`${spec.name} to be up`, 30 * 60, () => {
    const found = store.byMac(spec.mac);
    return found?.phase === "up" ? found : undefined;
  }).catch(async (cause) => {
    throw new Error(await console(spec.name), { cause });
  });
}

await insideNamespace(import.meta.url, () => {
  test("a machine that comes late gets the image from one that runs it, and not over the uplink", {
    timeout: 80 * minuteMs,
  }, async (t) => {
    const first = machineSpec(1, { memoryMiB: 768 });
    const second = machineSpec(2, { memoryMiB: 768 });
    await using setUp = await faultyRack([first, second], undefined, withSystemImages);
    await using server = await setUp.startServer({ images: [{ image: "compute" }], peers: { uploadMbps: 1000 } });
    const { store } = server;
    await setUp.rack.find(first.name)?.powerOn();
    await untilUp(setUp, store, first);
    const state = join(setUp.directory, "state");
    await waitFor("the first machine to serve its image", 900, async () =>
      (await birther("log", "r01u01", "--state", state)).includes("serving the image to other machines")
        ? true
        : undefined,
    );
    const before = sentBy("tap1");
    await setUp.rack.find(second.name)?.powerOn();
    const machine = await untilUp(setUp, store, second);
    const sent = sentBy("tap1") - before;
    const image = await imageBytes(state);
    t.diagnostic(`${((100 * sent) / image).toFixed(1)} % of the image came from the first machine`);
    assert.equal(machine.runningImage, "compute/1");
    assert.deepEqual(machine.conditions, []);
    assert.ok(sent > 0.9 * image, `the first machine sent ${sent} of ${image} bytes`);
  });
});

/** Bytes of the contents of the image. */
async function imageBytes(state: string): Promise<number> {
  const shown = await birther("image", "show", "compute/1", "--state", state, "-o", "json");
  return (JSON.parse(shown) as { readonly bytes: number }).bytes;
}
