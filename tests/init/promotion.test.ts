import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mac } from "../../src/core/net/mac.ts";
import { macOf } from "../../src/core/net/testing/addresses.ts";
import { comeUp } from "./convergence.ts";
import { lldpFrame, rackMachine, type TestMachine, type Trial } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

/** Three machines that were born with the current version of `compute`, in units 1 to 3. */
function rackOfThree(site: Site) {
  return [1, 2, 3].map((unit) => {
    const mac = macOf(`52:54:00:00:00:0${unit}`);
    const trial: Trial = { wire: { lldp: { frames: [lldpFrame("tor-1", `swp${unit}`)], everyMs: 5000 } } };
    return { mac, machine: rackMachine(site, { mac }), trial };
  });
}

type Racked = { readonly mac: Mac; readonly machine: TestMachine; readonly trial: Trial };

/** Lets each machine run for as long as its agent needs to do what its Dominator says. */
function live(rack: readonly Racked[]): void {
  for (const { machine, trial } of rack) for (let boot = 0; boot < 2; boot += 1) machine.boot(trial);
}

const running = (site: Site, rack: readonly Racked[]) =>
  rack.map(({ mac }) => [site.machine(mac).runningImage, site.machine(mac).phase]);

test("an import moves no machine of a fleet; a promotion moves one, and then the rest", (t) => {
  const site = openSite({ config: { images: [{ image: "compute" }] } });
  t.after(site.close);
  const rack = rackOfThree(site);
  for (const { machine, trial } of rack) assert.ok(comeUp(machine, trial).isUp);
  const [first, ...others] = rack;
  assert.ok(first !== undefined);
  const old = ["compute/1", "up"];
  live(rack);
  assert.deepEqual(running(site, rack), [old, old, old], "compute/2 is there, and nobody has promoted it");

  site.promote({ version: 2 });
  live(rack);
  assert.deepEqual(running(site, rack), [["compute/2", "up"], old, old]);
  site.restart();
  live(rack);
  assert.deepEqual(running(site, others), [old, old], "nor does a new server move the rest");

  site.promote({ version: 2, all: true });
  live(rack);
  assert.deepEqual(running(site, rack), Array(3).fill(["compute/2", "up"]));
  assert.deepEqual(
    rack.map(({ mac }) => site.machine(mac).conditions),
    [[], [], []],
  );
});

test("a first machine that does not take the version keeps the rest where it is", (t) => {
  const site = openSite({ config: { images: [{ image: "compute" }] } });
  t.after(site.close);
  const rack = rackOfThree(site);
  for (const { machine, trial } of rack) assert.ok(comeUp(machine, trial).isUp);
  site.promote({ version: 2 });
  const [first] = rack;
  const { id } = site.machine(first?.mac ?? "");
  site.apply({ kind: "failed", id, step: "update", reason: "no space left on device", image: "compute/2" });
  assert.throws(
    () => site.promote({ version: 2, all: true }),
    /r01u01 does not run compute\/2 yet: failing: .*no space/,
  );
  assert.deepEqual(
    rack.map(({ mac }) => site.machine(mac).requiredImage),
    ["compute/2", "compute/1", "compute/1"],
  );
});
