import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { loaderNames, readBootFiles } from "../../src/boot-server/boot-files.ts";
import { queuedSizes } from "../../src/boot-server/boot-server.ts";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { agentProtocol } from "../../src/core/image/filter.ts";
import type { MachineArchitecture, NamedArchitecture } from "../../src/core/machine/architecture.ts";
import type { Machine, MachineId } from "../../src/core/machine/record.ts";
import { hardware } from "../../src/core/machine/testing/test-fleet.ts";
import { testMachine } from "../../src/core/machine/testing/test-machine.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { handOutAgent } from "../../src/main/server/agent-upgrades.ts";
import { orderFor } from "../../src/mdb/machine-api/make-order.ts";
import { openStore } from "../../src/mdb/open-store.ts";

const log = () => {};
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };

async function scratch(files: readonly string[]) {
  const directory = await mkdtemp(join(tmpdir(), "birther-architectures-"));
  for (const file of files) {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await writeFile(join(directory, file), file);
  }
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

const amd64 = ["vmlinuz", "initramfs.img", ...loaderNames.map((name) => `loaders/${name}`)];
const arm64 = ["vmlinuz", "initramfs.img", "loaders/ipxe-arm64.efi"].map((name) => `arm64/${name}`);

function bootFilesIn(stateDirectory: string) {
  const { kernel, initramfs, loaders: loaderDirectory, others } = pathsIn(stateDirectory);
  return readBootFiles({ kernel, initramfs, loaderDirectory, others });
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

test("a server serves the images that were built, each under its own names, and what a half-built one lacks is named", async () => {
  const below = (files: readonly string[]) => files.map((file) => `bootstrap/${file}`);
  await using one = await scratch(below(amd64));
  const alone = await bootFilesIn(one.directory);
  assert.deepEqual([...alone.otherImages.keys(), ...alone.loaders.keys()], [...loaderNames]);
  await using two = await scratch(below([...amd64, ...arm64]));
  const both = await bootFilesIn(two.directory);
  assert.equal(text(both.kernel), "bootstrap/vmlinuz");
  assert.equal(text(both.otherImages.get("arm64")?.kernel), "bootstrap/arm64/vmlinuz");
  assert.equal(text(both.loaders.get("ipxe-arm64.efi")), "bootstrap/arm64/loaders/ipxe-arm64.efi");
  const paths = ["/vmlinuz", "/initramfs.img", "/arm64/vmlinuz", "/arm64/initramfs.img"];
  assert.deepEqual([...queuedSizes(both).keys()], paths);
  await using half = await scratch(below([...amd64, "arm64/vmlinuz", "arm64/initramfs.img"]));
  await assert.rejects(bootFilesIn(half.directory), /ipxe-arm64\.efi is missing; build it.*image build --arch arm64$/);
});

/** A healthy machine whose agent runs from the disk and has another version than the server. */
const machineOf = (id: string, architecture?: NamedArchitecture): Machine =>
  testMachine("healthy", {
    ...{ id: id as MachineId, agent: { version: "1".repeat(32) } },
    hardware: { ...hardware(), ...(architecture === undefined ? {} : { architecture }) },
  });

test("a machine is upgraded to the agent of its architecture, and keeps its own where there is none", async () => {
  const [x64, arm] = [machineOf("m-525400000001"), machineOf("m-525400000002", "arm64")];
  const files = (home: string) => ["birther-js", "agent.js"].map((name) => `${home}/${name}`);
  await using made = await scratch([...files("amd64"), ...files("arm64")]);
  await using store = await openStore({ path: ":memory:", clock, log });
  const records = new Map([x64, arm].map((machine) => [machine.id, machine]));
  const known = { ...store, list: () => [...records.values()], get: (id: MachineId) => records.get(id) };
  const offered = async (agent: string): Promise<readonly (string | undefined)[]> => {
    const objects = await openObjectStore(join(made.directory, `objects-${agent}`));
    const others = [{ architecture: "arm64", agent: join(made.directory, agent) }] as const;
    const parts = { objects, store: known, clock, log };
    using upgrades = await handOutAgent({ directory: join(made.directory, "amd64"), others, ...parts });
    const versions: (string | undefined)[] = [];
    for (const { id } of [x64, arm]) {
      const poll = {
        ...({ protocol: agentProtocol, machineId: id, running: "image" } as const),
        ...{ kernel: "6", rebootPending: false },
        ...{ secondsSinceCheck: 0, freeBytes: 1e9, agent: { version: "1".repeat(32) } },
      } as const;
      versions.push((await upgrades.upgradeFor(id, poll))?.version);
    }
    return versions;
  };
  const [ofX64, ofArm] = await offered("arm64");
  assert.ok(ofX64 !== undefined && ofArm !== undefined && ofX64 !== ofArm);
  assert.equal((await offered("none"))[1], undefined);
});

test("an order's image rules do not match a machine whose architecture their image is not for", () => {
  const config = testConfig({ images: [{ image: "compute-arm", when: { minCpus: 2 } }, { image: "compute" }] });
  const images: { readonly [name: string]: MachineArchitecture } = { compute: "amd64", "compute-arm": "arm64" };
  const deps = { config, architectureOf: (image: string) => images[image] };
  const rulesFor = (machine: Machine) => orderFor(machine, "birth", deps).imageRules;
  assert.deepEqual(rulesFor(testMachine("birth")), [
    { image: "compute-arm", when: { minCpus: 2, architecture: "arm64" } },
    { image: "compute", when: {} },
  ]);
  assert.deepEqual(rulesFor(testMachine("birth", { architecture: "arm64" })), [
    { image: "compute-arm", when: { minCpus: 2 } },
    { image: "compute", when: { architecture: "amd64" } },
  ]);
  assert.equal(orderFor(testMachine("birth"), "birth", { config }).protocol, 1, "nothing is known of the images");
});
