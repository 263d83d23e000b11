import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { drawWholeSystem } from "../../src/dominator/testing/whole-system.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { writeFakeBootFiles } from "../fake-boot-files.ts";
import { asPxe, udhcpc } from "../real-clients/udhcpc.ts";
import { layWire } from "../real-clients/wire.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { repeatAttack } from "./attack.ts";

/** Machines whose root is the attacker; one more is not. */
const hostile = 8;
const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
const fileOf = (name: string) => new URL(name, import.meta.url).pathname;

/** A whole server with 256 MiB of heap, and a wire to the machines. */
async function startSite() {
  await using made = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "birther-agents-"));
  made.defer(() => rmSync(directory, { recursive: true }));
  const wire = made.use(await layWire({ mac: "52:54:00:0a:0b:02", addresses: ["10.77.0.1/24"] }));
  for (const last of [9, 10])
    await wire.run(["ip", "address", "add", `10.77.0.${last}/24`, "dev", wire.clientInterface]);
  const [state, source, config] = ["state", "source", "config.json"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(state);
  writeFakeBootFiles(state);
  drawWholeSystem(source);
  const network = {
    ...{ name: "rack", interface: wire.serverInterface, serverAddress: "10.77.0.1", prefix: "10.77.0.0/24" },
    ...{ nursery: true, temporaryPool: { first: "10.77.0.50", last: "10.77.0.250" } },
  };
  const settings = { stateDirectory: state, operators: { addresses: [] }, placement: {}, networks: [network] };
  writeFileSync(config, JSON.stringify(settings));
  const argv = ["--max-old-space-size=256", fileOf("agents-server.ts"), config, source, String(hostile + 1)];
  const child = spawn(node[0] ?? "", [...node.slice(1), ...argv], { stdio: ["pipe", "pipe", "inherit"] });
  made.defer(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, "close");
  });
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  const credentials = JSON.parse(line) as readonly string[];
  const ca = join(pathsIn(state).pki, "ca.pem");
  const all = made.move();
  const agents = (attack: string, from: string, ...of: readonly string[]) =>
    wire.run([...node, fileOf("hostile-agent.ts"), attack, "10.77.0.1", ca, from, ...of], 280);
  return { directory, wire, child, credentials, agents, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

await insideNamespace(import.meta.url, () => {
  test(`${hostile} machines hold all slots for large trees in turn: another one gets a slot in its turn`, {
    timeout: 300_000,
  }, async (t) => {
    await using site = await startSite();
    const [own = assert.fail(), ...others] = site.credentials.toReversed();
    const enough = join(site.directory, "enough");
    const ended = site.agents(`hogs=${enough}`, "10.77.0.9", ...others);
    const outcomes: string[] = [];
    // The attack goes on until some have ended, however long they take on a busy computer.
    for (const endMs = performance.now() + 60_000; outcomes.length < 2 || performance.now() < endMs; )
      outcomes.push((await site.agents("reports", "10.77.0.10", own)).output.trim());
    writeFileSync(enough, "");
    const { status, output } = await ended;
    t.diagnostic(`${output.trim()}; the other machine: ${outcomes.join(" ")}`);
    assert.deepEqual([status, site.child.exitCode], [0, null], output);
    assert.match(output, /"503":/, "they fill all slots");
    await repeatAttack(t, outcomes.length, async (round) =>
      /"(fetch|update|wait)":1/.test(outcomes[round] ?? "") ? undefined : outcomes[round],
    );
  });

  for (const [attack, what, proof] of [
    ["floods", "thousands of polls with logs, and of turns to fetch", /"429":/],
    ["hugeScans", "trees that are deep or wide, which the server asked for", /"fetch":/],
    ["slowBodies", "hundreds of bodies that come byte by byte", /"closed":/],
    ["connections", "1,500 connections that stay open", /"closed":/],
  ] as const)
    test(`${what}, from ${hostile} machines with valid credentials: DHCP and another agent are served`, {
      timeout: 300_000,
    }, async (t) => {
      await using site = await startSite();
      const { wire, credentials } = site;
      const [own = assert.fail(), ...others] = credentials.toReversed();
      let under = true;
      const ended = site.agents(attack, "10.77.0.9", ...others).finally(() => {
        under = false;
      });
      let rounds = 0;
      const fails: string[] = [];
      while (under || rounds < 3) {
        rounds += 1;
        const { status, output } = await udhcpc(wire, asPxe);
        if (status !== 0) fails.push(`DHCP: ${output}`);
        const polled = await site.agents("one", "10.77.0.10", own);
        if (!/"200":1/.test(polled.output)) fails.push(`another agent: ${polled.output}`);
      }
      const { status, output } = await ended;
      t.diagnostic(`${output.trim()}, ${rounds} rounds of DHCP and a poll meanwhile`);
      assert.deepEqual([status, site.child.exitCode], [0, null], output);
      assert.match(output, proof);
      await repeatAttack(t, rounds, async (round) => (round === 0 ? fails[0] : undefined));
    });
});
