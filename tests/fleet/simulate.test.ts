import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseObjectMirror } from "../../src/core/image/object-mirror.ts";
import { type Fault, machineFaultKinds, machineFaults } from "../../src/fleet/faults.ts";
import { parametersWith } from "../../src/fleet/parameters.ts";
import { reportHtml } from "../../src/fleet/report/html.ts";
import { summarise } from "../../src/fleet/report/summary.ts";
import { reportText } from "../../src/fleet/report/text.ts";
import type { Scenario } from "../../src/fleet/scenario.ts";
import { siteConfig, siteNames } from "../../src/main/simulate/config.ts";
import type { SimulateOptions } from "../../src/main/simulate/options.ts";
import { runSimulation, simulateSite, transcriptOf } from "../../src/main/simulate/run.ts";

const base: Scenario = {
  ...{
    racks: 1,
    machines: 4,
    servers: 1,
    powerOn: { kind: "atOnce" },
    failShare: 0,
    faults: [],
    peers: false,
    seed: 7,
  },
  ...{ parameters: parametersWith({ burnIn: 60_000 }), limitMs: 3 * 3_600_000, ...siteNames },
};

async function simulated(changes: Partial<Scenario>) {
  const scenario = { ...base, ...changes };
  const { racks, machines, servers } = scenario;
  const config = siteConfig({ racks, machines, servers, serverMbps: 10_000 });
  return await simulateSite({ scenario, config, imageBytes: 200e6 });
}

/** Compares with the transcript that is checked in; UPDATE_TRANSCRIPTS=1 writes it. */
function compareTranscript(name: string, found: string): void {
  const path = join(import.meta.dirname, "transcripts", `${name}.txt`);
  if (process.env.UPDATE_TRANSCRIPTS === "1") writeFileSync(path, found);
  assert.equal(found, readFileSync(path, "utf8"), `${path}: read the difference; if it is meant: UPDATE_TRANSCRIPTS=1`);
}

const minute = 60_000;
const site: { readonly [name: string]: Partial<Scenario> } = {
  rack: {},
  "rack-with-peers": { peers: true },
  "server-dies": { faults: [{ kind: "serverDies", server: 1, atMs: 2.5 * minute, forMs: 0.5 * minute }] },
  "two-servers-one-dies": {
    servers: 2,
    racks: 2,
    machines: 2,
    faults: [{ kind: "serverDies", server: 1, atMs: 2 * minute, forMs: 2 * minute }],
  },
  "power-cut-in-the-birth": { faults: [{ kind: "powerCut", racks: [1], atMs: 3 * minute, forMs: minute }] },
  "power-cut-in-the-fetch": { faults: [{ kind: "powerCut", racks: [1], atMs: 200_000, forMs: minute }] },
  rollout: { racks: 2, machines: 2, peers: true, rollout: { racks: 1 } },
  "switch-reboots": { faults: [{ kind: "switchReboots", rack: 1, atMs: 2 * minute, forMs: 3 * minute }] },
};
describe("small sites, as recorded", () => {
  for (const [name, changes] of Object.entries(site))
    test(name, async () => {
      const outcome = await simulated(changes);
      assert.deepEqual(outcome.broken, []);
      assert.ok(outcome.isComplete, "all machines are up");
      compareTranscript(name, transcriptOf(outcome));
    });
});

test("where nothing fails, nobody is sent to a machine that serves no more, however late it comes", async () => {
  const outcome = await simulated({ machines: 30, peers: true });
  assert.ok(outcome.isComplete);
  const inVain = outcome.machines.flatMap(({ transcript }) =>
    transcript.filter((line) => line.includes("nothing from")),
  );
  assert.deepEqual(inVain, []);
});

test("working machines move to the next version while others are born, one first, whatever fails", async () => {
  const faults: readonly Fault[] = [
    { kind: "serverDies", server: 1, atMs: 5 * minute, forMs: minute },
    { kind: "hangsOnce", rack: 2, unit: 1 },
  ];
  for (const changes of [{}, { faults, servers: 2 }]) {
    const outcome = await simulated({ racks: 3, machines: 4, peers: true, rollout: { racks: 2 }, ...changes });
    assert.deepEqual(outcome.broken, []);
    const { rollout } = outcome;
    assert.ok(outcome.isComplete && rollout !== undefined, JSON.stringify(rollout));
    const { machines, moved, image, beganMs = 0, allowedMs = 0, movedMs = 0 } = rollout;
    assert.deepEqual([machines, moved, image], [8, 8, "compute/2"]);
    assert.ok(beganMs < allowedMs && allowedMs < movedMs, "one machine was up with it before the others got it");
    assert.ok(outcome.machines.every(({ disk }) => disk?.image === "compute/2"));
    const text = reportText(summarise(outcome), 80).join(" ");
    assert.match(text, /8 working machines moved to compute\/2 within/);
  }
});

describe("machines with a fault", () => {
  for (const kind of machineFaultKinds)
    test(`${machineFaults[kind].text}`, async () => {
      // The third is the first that has something to lie about.
      const unit = kind === "lyingPeer" ? 3 : 2;
      const faults: readonly Fault[] = [{ kind, rack: 1, unit }];
      const outcome = await simulated({ faults, peers: true });
      assert.deepEqual(outcome.broken, []);
      assert.ok(outcome.isComplete, "all machines that can be are up");
      compareTranscript(`fault-${kind}`, transcriptOf(outcome));
      const faulty = outcome.machines[unit - 1] ?? assert.fail();
      if (!machineFaults[kind].recovers) assert.match(outcome.whyNot(faulty), /\w/);
    });
});

test("the same seed gives the same report, byte for byte, and another one another", async () => {
  const report = async (seed: number) => {
    const summary = summarise(
      await simulated({
        seed,
        racks: 3,
        failShare: 0.2,
        peers: true,
        parameters: parametersWith({ packetLoss: 0.02 }),
      }),
    );
    const text = reportText(summary, 80);
    assert.deepEqual(
      text.filter((line) => line.length > 80),
      [],
    );
    return [JSON.stringify(summary), text.join("\n"), reportHtml(summary)] as const;
  };
  const first = await report(1);
  assert.deepEqual(await report(1), first);
  assert.notEqual((await report(2))[0], first[0]);
});

test("whatever fails by chance, nothing is broken and all others come up", async () => {
  for (const seed of [1, 2, 3, 4]) {
    const faults: readonly Fault[] = [
      { kind: "serverDies", server: 2, atMs: (1 + seed) * minute, forMs: minute },
      { kind: "powerCut", racks: [1], atMs: (2 + seed) * minute, forMs: 20_000 },
    ];
    const parameters = parametersWith({ burnIn: minute, packetLoss: 0.01 });
    const outcome = await simulated({
      seed,
      racks: 3,
      machines: 6,
      servers: 2,
      failShare: 0.3,
      peers: true,
      faults,
      parameters,
    });
    assert.deepEqual(outcome.broken, [], `seed ${seed}`);
    assert.ok(outcome.isComplete, `seed ${seed}`);
  }
});

test("of the polls of machines that are up, one in ten is carried out; none of them counts as silent", async () => {
  const powerOn = { kind: "rackEvery", ms: 40 * minute } as const;
  const outcome = await simulated({ racks: 2, machines: 2, powerOn });
  assert.ok(outcome.isComplete && outcome.endMs > 40 * minute);
  const [server] = outcome.world.servers;
  assert.deepEqual(
    server?.port?.store.list().flatMap(({ conditions }) => conditions),
    [],
  );
  const polls = outcome.world.measures.requests().find(([kind]) => kind === "/sub/v1/poll")?.[1].count ?? 0;
  // Half an hour has 60 polls of each of the two machines; the births have 5 each.
  assert.ok(polls > 20 && polls < 50, `${polls} polls`);
  // They are not forgotten: 100 more polls kept the server busy.
  const { serverRequest } = outcome.scenario.parameters;
  assert.ok((server?.cpuMs ?? 0) > (polls + 100) * serverRequest, `${server?.cpuMs} ms`);
});

test("a simulation that is interrupted reports how far it came", async () => {
  let isInterrupted = false;
  const outcome = await simulateSite({
    ...{ scenario: base, imageBytes: 200e6, isInterrupted: () => isInterrupted },
    config: siteConfig({ racks: 1, machines: 4, servers: 1, serverMbps: 10_000 }),
    progressed: ({ nowMs }) => {
      isInterrupted = nowMs > 2 * minute;
    },
  });
  assert.ok(!outcome.isComplete && outcome.endMs < 3 * minute);
  assert.match(reportText(summarise(outcome), 80).join("\n"), /NOT complete after 2 min/);
});

test("options that cannot be are refused before the simulation", async () => {
  const options = { ...{ racks: 1, machines: 1, servers: 1, image: 1e9, nic: 1e9, rackUplink: 1e9 }, serverNic: 1e9 };
  const run = (changes: Partial<SimulateOptions>) =>
    runSimulation({
      ...{ ...options, mirrorNic: 1e9, burnIn: 0, powerOn: "all at once", fail: 0, loss: 0, peers: true, seed: 1 },
      ...{ limit: minute, json: true, ...changes },
    });
  await assert.rejects(run({ report: "/does/not/exist.html" }), /--report: cannot write \/does\/not\/exist.html/);
  await assert.rejects(run({ transcript: "/" }), /--transcript: cannot write \//);
  for (const powerOn of ["rack every x", "rack every ", "soon"])
    await assert.rejects(run({ powerOn }), /--power-on: expected "all at once" or "rack every 30s"/);
});

test("mirrors of the configuration carry the images, and the server sends each of them one", async () => {
  const config = siteConfig({ racks: 2, machines: 4, servers: 1, serverMbps: 10_000 });
  const objectMirrors = ["http://10.0.0.5:8080", "http://10.0.0.6:8080"].flatMap((url) => parseObjectMirror(url) ?? []);
  const outcome = await simulateSite({
    scenario: { ...base, racks: 2 },
    config: { ...config, objectMirrors },
    imageBytes: 200e6,
  });
  assert.ok(outcome.isComplete);
  const { mirrors, servers } = outcome.world.wires;
  assert.deepEqual([...mirrors.keys()].sort(), ["10.0.0.5:8080", "10.0.0.6:8080"]);
  const sent = [...mirrors.values()].map(({ cable }) => cable.up.sentBytes);
  assert.equal(Math.round(sent.reduce((sum, bytes) => sum + bytes, 0) / 200e6), 8);
  assert.equal(Math.round((servers[0]?.images.sentBytes ?? 0) / 200e6), 2);
});
