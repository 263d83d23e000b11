import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { testSeed } from "../support/seed.ts";
import { comeUp, cutPoints } from "./convergence.ts";
import { bootFromDisk } from "./host/disk-boot.ts";
import { textIn } from "./host/grub.ts";
import type { Unsynced } from "./host/storage/block-device.ts";
import { chanceOf } from "./host/system/random.ts";
import { agentScripts, brokenNative, mac, rackMachine, type TestMachine } from "./machine.ts";
import type { SiteFacts } from "./site/protocol.ts";
import { openSite } from "./site/site.ts";

const native = "native program";
const good = { native, script: "agent script of the next version" };

/** A machine that runs its image, in a site whose server hands out this agent. */
function upMachine(t: TestContext, agent: NonNullable<SiteFacts["agent"]>): TestMachine {
  const site = openSite({ agent });
  t.after(site.close);
  const machine = rackMachine(site);
  machine.boot();
  return machine;
}

/** The record of agents on the disk, as the next boot finds it. */
function storedOn({ board }: TestMachine) {
  const found = bootFromDisk(board);
  if (found.kind === "nothingToBoot") assert.fail(found.why);
  const { root } = found;
  const stored = JSON.parse(textIn(root, "/var/lib/birther/agent.json") ?? "{}");
  const scriptOf = (version: string) => textIn(root, `/usr/local/lib/birther/agents/${version}/agent.js`);
  return { root, stored, scriptOf };
}

test("a new agent is fetched, tried, confirmed and kept; the installed one stays as it was", (t) => {
  const machine = upMachine(t, good);
  const installed = machine.site.machine(mac).agent?.version;
  assert.match(installed ?? "", /^[0-9a-f]{32}$/, "PID 1's agent tells its version, and is not upgraded");
  machine.boot();
  const { agent, phase, conditions } = machine.site.machine(mac);
  assert.notEqual(agent?.version, installed);
  assert.deepEqual([agent?.rejected, phase, conditions], [undefined, "up", []]);
  const { stored, scriptOf, root } = storedOn(machine);
  assert.deepEqual(stored, { current: agent?.version });
  assert.equal(scriptOf(agent?.version ?? ""), good.script);
  assert.equal(textIn(root, "/usr/local/lib/birther/agent.js"), "agent script");
  assert.equal(textIn(root, "/var/lib/birther/agent-confirmed"), undefined);

  const again = machine.boot();
  assert.equal(machine.site.machine(mac).agent?.version, agent?.version, "after a restart");
  assert.equal(again.kernel.ran.filter((text) => text.includes("/agents/")).length, 1, "it is not tried again");
});

/** Agents that do not work, and the reason that the machine gives. */
const broken: readonly (readonly [title: string, agent: NonNullable<SiteFacts["agent"]>, reason: RegExp])[] = [
  ["hangs", { native, script: agentScripts.hangs }, /600 s/],
  ["ends at once", { native, script: agentScripts.ends }, /ended 3 times/],
  ["cannot be started", { native: brokenNative, script: "x" }, /cannot be started/],
];

for (const [title, agent, reason] of broken)
  test(`a new agent that ${title} is rejected, and the former one runs again`, (t) => {
    const machine = upMachine(t, agent);
    const installed = machine.site.machine(mac).agent?.version;
    machine.boot({ minutes: 30 });
    const { agent: now, phase, conditions } = machine.site.machine(mac);
    assert.equal(now?.version, installed);
    assert.match(now?.rejected?.reason ?? "", reason);
    assert.deepEqual([phase, conditions], ["up", []], "it is no failure of the machine");
    assert.match(machine.site.log(mac).join("\n"), reason);
    const { stored, scriptOf } = storedOn(machine);
    assert.deepEqual(stored, { rejected: now?.rejected });
    assert.equal(scriptOf(now?.rejected?.version ?? ""), undefined, "its files are gone");

    const again = machine.boot({ minutes: 30 });
    assert.equal(again.kernel.ran.filter((text) => text.includes("/agents/")).length, 0, "it is not tried again");
    assert.equal(machine.site.machine(mac).agent?.rejected?.version, now?.rejected?.version);
  });

test("a rejection is forgotten after a day, because the server may have been at fault, and the version is tried again", (t) => {
  const machine = upMachine(t, { native, script: agentScripts.ends });
  machine.boot({ minutes: 30 });
  assert.ok(machine.site.machine(mac).agent?.rejected !== undefined);
  const dayLater = machine.boot({ minutes: 24 * 60 + 10 });
  assert.notEqual(dayLater.kernel.ran.filter((text) => text.includes("/agents/")).length, 0);
});

test("an upgrade that cannot be placed is no failure of the machine, and is tried again later", (t) => {
  const machine = upMachine(t, good);
  const troubles = [
    { call: "rename", about: /\/agents\//, trouble: { kind: "fails", errno: "ENOSPC" }, times: 1 },
  ] as const;
  machine.boot({ troubles, minutes: 5 });
  const { agent, conditions } = machine.site.machine(mac);
  assert.deepEqual([agent?.rejected, conditions], [undefined, []]);
  machine.site.world.nowMs += 600_000;
  machine.boot();
  assert.equal(storedOn(machine).scriptOf(machine.site.machine(mac).agent?.version ?? ""), good.script);
});

test("an agent whose files are damaged later gives way to the installed one", (t) => {
  const machine = upMachine(t, good);
  machine.boot();
  const { current } = storedOn(machine).stored;
  const damaged = machine.boot({
    troubles: [{ call: "sha512File", about: /agents\/.*agent\.js/, trouble: { kind: "fails", errno: "EIO" } }],
  });
  const { agent } = machine.site.machine(mac);
  assert.match(damaged.kernel.screen.join("\n"), /rejected/);
  assert.equal(agent?.rejected?.version, current);
  assert.notEqual(agent?.version, current);
});

/** The number of cuts of each kind in a plain run; `POWER_CUTS=all` tries every system call. */
const sampled = 5;
/** Repeats a run's choice. */
const seed = Number(process.env.POWER_CUT_SEED ?? testSeed % 1000);

const modes: { readonly [title: string]: (cut: number) => Unsynced } = {
  "all that was written survives": () => ({ kind: "kept" }),
  "nothing survives that was not synced": () => ({ kind: "lost" }),
  "some of it survives": (cut) => ({ kind: "partly", chance: chanceOf(seed * 100_000 + cut) }),
};

for (const [title, agent, tried] of [
  ["that works", good, Object.entries(modes)],
  ["that hangs", { native, script: agentScripts.hangs }, Object.entries(modes).slice(-1)],
] as const)
  for (const [mode, unsyncedAt] of tried)
    test(`power cut in the upgrade to an agent ${title}: ${mode}`, (t) => {
      const whole = upMachine(t, agent).boot({ minutes: 15 });
      const points = cutPoints(whole.kernel.cpu.calls);
      const stride = process.env.POWER_CUTS === "all" ? 1 : Math.max(1, Math.floor(points.length / sampled));
      const chosen = points.filter((_, index) => index % stride === seed % stride);
      const stuck: string[] = [];
      for (const cutAt of chosen) {
        const machine = upMachine(t, agent);
        const { end } = machine.boot({ cutAt, unsynced: unsyncedAt(cutAt), minutes: 15 });
        assert.equal(end.kind, "powerCut");
        const after = comeUp(machine);
        // Time for the rest of a trial, and for its end.
        machine.boot({ minutes: 30 });
        const { agent: now } = machine.site.machine(mac);
        const isDecided =
          agent === good ? storedOn(machine).stored.current === now?.version : now?.rejected !== undefined;
        if (!after.isUp || !isDecided || now === undefined)
          stuck.push(
            `before call ${cutAt} (${whole.kernel.cpu.calls[cutAt - 1]}): ${after.why} ${JSON.stringify(now)}`,
          );
      }
      t.diagnostic(`${chosen.length} cuts tried, ${chosen.length - stuck.length} converged; seed ${seed}`);
      assert.deepEqual(stuck, [], `POWER_CUT_SEED=${seed} repeats it`);
    });
