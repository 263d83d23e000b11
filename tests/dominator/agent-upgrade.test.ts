import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { agentFileNames, agentVersion } from "../../src/core/agent/version.ts";
import type { MachineId } from "../../src/core/machine/record.ts";
import { native } from "../native/native-program.ts";
import { waitFor } from "../support/inside-namespace.ts";
import { type NextScript, type SubFixture, startSubFixture } from "./sub-fixture.ts";

const id = "m-525400b10001" as MachineId;

const longer: NextScript = (installed) => Buffer.concat([installed, Buffer.from("\n// the next version\n")]);

function storedIn({ root }: SubFixture) {
  const path = join(root, "var/lib/birther/agent.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

test("a running agent is replaced by the server's, which goes on polling", async () => {
  await using fixture = await startSubFixture({}, longer);
  const { root, store } = fixture;
  const recorded = () => store.get(id)?.agent;
  await using supervisor = await fixture.startSupervisor();
  await waitFor("the server's agent is current", 90, () => storedIn(fixture).current !== undefined || undefined);
  const { current } = storedIn(fixture);
  await waitFor("its version is on the record", 90, () => recorded()?.version === current || undefined);
  assert.equal(recorded()?.rejected, undefined);
  const directory = join(root, "usr/local/lib/birther/agents");
  assert.deepEqual(readdirSync(directory), [current]);
  assert.match(readFileSync(join(directory, current, "agent.js"), "utf8"), /the next version/);
  const isConfirmed = () => /the new agent is confirmed/.test(supervisor.output()) || undefined;
  await waitFor("the supervisor says that it is confirmed", 90, isConfirmed);
});

test("an agent that ends at once is rejected; the installed one tells the server", async () => {
  await using fixture = await startSubFixture({}, () => Buffer.from('throw new Error("a broken agent");\n'));
  await using supervisor = await fixture.startSupervisor();
  await waitFor(
    "the rejection is on the record",
    90,
    () => fixture.store.get(id)?.agent?.rejected !== undefined || undefined,
  );
  const { rejected } = storedIn(fixture);
  assert.match(rejected.reason, /ended 3 times before it was confirmed, at last with status 1/);
  assert.deepEqual(fixture.store.get(id)?.agent?.rejected, rejected);
  assert.deepEqual(fixture.store.get(id)?.conditions, []);
  assert.deepEqual(readdirSync(join(fixture.root, "usr/local/lib/birther/agents")), []);
  assert.match(supervisor.output(), /an agent is rejected/);
});

/** Puts a version in place, as an upgrade does, and records its trial. */
async function beginTrial({ root }: SubFixture, script: string, program: string | undefined): Promise<void> {
  const draft = join(root, "draft");
  await mkdir(draft);
  if (program === undefined) await copyFile(await native, join(draft, "birther-js"));
  else await writeFile(join(draft, "birther-js"), program, { mode: 0o755 });
  await writeFile(join(draft, "agent.js"), script);
  const sha512 = (content: string | Uint8Array) => createHash("sha512").update(content).digest("hex");
  const version = agentVersion(
    agentFileNames.map((name) => sha512(readFileSync(join(draft, name)))),
    sha512,
  );
  const place = join(root, "usr/local/lib/birther/agents", version);
  await mkdir(place, { recursive: true });
  for (const name of agentFileNames) await copyFile(join(draft, name), join(place, name));
  await mkdir(join(root, "var/lib/birther"), { recursive: true });
  const trial = { version, deadlineSeconds: 2, attempts: 0 };
  await writeFile(join(root, "var/lib/birther/agent.json"), JSON.stringify({ trial }));
}

const broken: readonly (readonly [title: string, script: string, program: string | undefined, reason: RegExp])[] = [
  ["hangs", 'import * as os from "os"; for (;;) os.sleep(1000);', undefined, /it was not confirmed within 2 s/],
  ["no kernel can start", "", "\u0000 not a program", /it cannot be started/],
];

for (const [title, script, program, reason] of broken)
  test(`a trial of an agent that ${title} ends, and the installed one reports it`, async () => {
    await using fixture = await startSubFixture();
    await beginTrial(fixture, script, program);
    await using _supervisor = await fixture.startSupervisor();
    await waitFor(
      "the rejection is on the record",
      90,
      () => fixture.store.get(id)?.agent?.rejected !== undefined || undefined,
    );
    assert.match(fixture.store.get(id)?.agent?.rejected?.reason ?? "", reason);
    assert.deepEqual(readdirSync(join(fixture.root, "usr/local/lib/birther/agents")), []);
  });
