import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { testSeed } from "../support/seed.ts";
import { comeUp, cutPoints } from "./convergence.ts";
import { changeDisks } from "./host/board.ts";
import type { Unsynced } from "./host/storage/block-device.ts";
import { chanceOf } from "./host/system/random.ts";
import { type Boot, mac, rackMachine, type TestMachine, type Trial } from "./machine.ts";
import { peerDouble } from "./peer-double.ts";
import type { SiteFacts } from "./site/protocol.ts";
import { openSite } from "./site/site.ts";

/** Number of cuts of each kind in a plain run; `POWER_CUTS=all` tries every system call. */
const sampled = 6;
/** Repeats the random choice of a run. */
const seed = Number(process.env.POWER_CUT_SEED ?? testSeed % 1000);

const modes: { readonly [title: string]: (cut: number) => Unsynced } = {
  "all that was written survives": () => ({ kind: "kept" }),
  "nothing survives that was not synced": () => ({ kind: "lost" }),
  "some of it survives": (cut) => ({ kind: "partly", chance: chanceOf(seed * 100_000 + cut) }),
};

/** A life with a power cut: the events before, and the boot in which the power is cut. */
type Life = {
  readonly prepare: (machine: TestMachine) => void;
  readonly cutIn: (machine: TestMachine, trial: Trial) => Boot;
  /** The image that the machine must run in the end. */
  readonly image: string;
  readonly site?: SiteFacts;
};

const peerKey = "0c".repeat(32);
const peer = { machineId: "m-525400000100", endpoint: "10.77.1.200:7000" };
/** Another machine that is there until the power is cut. */
const withPeer = (machine: TestMachine): Pick<Trial, "wire"> => ({
  wire: {
    listeners: new Map([...machine.site.listeners, [peer.endpoint, peerDouble("serves", peerKey).listener]]),
  },
});

const lives: { readonly [title: string]: Life } = {
  "a birth with its first image": {
    prepare: () => undefined,
    cutIn: (machine, trial) => machine.boot(trial),
    image: "compute/1",
  },
  "a birth with an image from another machine": {
    prepare: () => undefined,
    cutIn: (machine, trial) => machine.boot({ ...trial, ...withPeer(machine) }),
    image: "bulk/1",
    site: { config: { images: [{ image: "bulk/1" }] }, peers: { sources: [peer], keys: [[peerKey]] } },
  },
  "an update with a new kernel": {
    prepare: (machine) => {
      assert.ok(comeUp(machine).isUp);
      const { id } = machine.site.machine(mac);
      machine.site.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/2" } });
    },
    cutIn: (machine, trial) => machine.boot(trial),
    image: "compute/2",
  },
  "a resume between healthy and the first image": {
    prepare: (machine) => {
      assert.equal(machine.bootInit().end.kind, "switchedRoot");
      assert.equal(machine.site.machine(mac).state, "healthy");
    },
    cutIn: (machine, trial) => machine.boot(trial),
    image: "compute/1",
  },
  "a rebirth with the first image": {
    prepare: (machine) => {
      assert.ok(comeUp(machine).isUp);
      machine.site.apply({ kind: "rebirthAsked", id: machine.site.machine(mac).id, by: "test" });
    },
    cutIn: (machine, trial) => machine.boot(trial),
    image: "compute/1",
  },
  "a clean, after the root disk was replaced": {
    prepare: (machine) => {
      assert.ok(comeUp(machine).isUp);
      changeDisks(machine.board, [{ name: "vda", sizeBytes: 6 * 2 ** 30, serial: "replacement" }]);
      machine.site.apply({ kind: "cleanAsked", id: machine.site.machine(mac).id, by: "test" });
    },
    cutIn: (machine, trial) => machine.boot(trial),
    image: "compute/1",
  },
};

/** A new machine in a new site, just before the boot that is cut. */
function prepared(life: Life, t: TestContext): TestMachine {
  const site = openSite(life.site);
  t.after(site.close);
  const machine = rackMachine(site);
  life.prepare(machine);
  return machine;
}

function choose(points: readonly number[]): readonly number[] {
  if (process.env.POWER_CUTS === "all") return points;
  const stride = Math.max(1, Math.floor(points.length / sampled));
  return points.filter((_, index) => index % stride === seed % stride);
}

for (const [title, life] of Object.entries(lives))
  for (const [mode, unsyncedAt] of Object.entries(modes))
    test(`power cut in ${title}: ${mode}`, (t) => {
      const whole = life.cutIn(prepared(life, t), {});
      const points = choose(cutPoints(whole.kernel.cpu.calls));
      assert.ok(points.length > 0, "no call of this life changes anything");
      const stuck: string[] = [];
      for (const cutAt of points) {
        const machine = prepared(life, t);
        const { end } = life.cutIn(machine, { cutAt, unsynced: unsyncedAt(cutAt) });
        assert.equal(end.kind, "powerCut");
        const after = comeUp(machine);
        const { runningImage } = machine.site.machine(mac);
        if (!after.isUp || runningImage !== life.image)
          stuck.push(`before call ${cutAt} (${whole.kernel.cpu.calls[cutAt - 1]}): ${after.why}, runs ${runningImage}`);
      }
      t.diagnostic(`${points.length} cuts tried, ${points.length - stuck.length} converged; seed ${seed}`);
      assert.deepEqual(stuck, [], `POWER_CUT_SEED=${seed} repeats it`);
    });
