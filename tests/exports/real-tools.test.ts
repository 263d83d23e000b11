import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { peerProgram } from "../../bench/peers.ts";
import type { NetworkView } from "../../src/contract/operator/views.ts";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Store } from "../../src/core/ports.ts";
import { systemClock as clock, systemRandom as random } from "../../src/main/system-ports.ts";
import { keepDominatorFile } from "../../src/mdb/exports/dominator-file.ts";
import { openDominatorMdb } from "../../src/mdb/exports/dominator-mdb.ts";
import { type Exports, openExports } from "../../src/mdb/exports/exports.ts";
import { meterStore } from "../../src/mdb/exports/store-meter.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { startOperatorServer, startOperatorTls } from "../../src/mdb/operator-api/server.ts";
import { asks, birthOf, testMac } from "../../src/mdb/testing/fleet.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { operatorCertificate } from "../../src/mdb/tls/operator-certificate.ts";
import { freePort } from "../support/free-port.ts";

const root = join(import.meta.dirname, "../..");
const state = mkdtempSync(join(tmpdir(), "birther-tools-"));
const life = new AsyncDisposableStack();
const log = () => {};
let exports: Exports;
let store: Store;
let port: number;
let token: string;

const network: NetworkView = {
  ...{ name: "rack", nursery: true, declined: [], receiveBufferBytes: 1 },
  mode: "full",
  pool: { first: "10.0.0.1", last: "10.0.0.9", size: 9, held: 4 },
  ...{ received: 7, answered: 5, answers: { loader: 5 }, unanswered: { 'odd "reason"\\': 2 }, malformed: {} },
};
const traffic = { tftp: { transfers: { sent: 3 }, bytes: 9 }, http: { answers: { "200": 2 }, bytes: 8 } };

async function run(argv: readonly string[], input = ""): Promise<{ status: number; out: string; err: string }> {
  const [command = "", ...words] = argv;
  const env = { ...process.env, BIRTHER_STATE: state, ANSIBLE_NOCOLOR: "1" };
  const child = spawn(command, words, { env, cwd: root, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const status = new Promise<number>((resolve, reject) => {
    child.on("error", (cause) => reject(new Error(`running ${command} failed`, { cause })));
    child.on("close", (code) => resolve(code ?? 1));
  });
  const text = async (stream: typeof child.stdout) => (await stream.setEncoding("utf8").toArray()).join("");
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await status, out, err };
}

before(async () => {
  const database = life.use(await openStore({ path: ":memory:", clock, log }));
  const metered = meterStore(database, clock);
  const { meter } = metered;
  store = metered.store;
  const mdb = life.use(openDominatorMdb(store));
  const file = life.use(await keepDominatorFile({ path: join(state, "mdb.json"), mdb, clock, log }));
  exports = life.use(
    openExports({
      ...{ store, clock, version: "test", dominator: { mdb, file }, meter, checks: [] },
      deadlineSeconds: defaultDeadlineSeconds,
      boot: { networks: () => [network], traffic: () => traffic },
    }),
  );
  const { tokens, sessions } = callersIn({ store, clock, random, log });
  const app = operatorApp({
    models: modelsOf(store),
    tokens,
    sessions,
    blastRadius: { machines: 10, percent: 10, perSeconds: 3600 },
    deadlineSeconds: defaultDeadlineSeconds,
    ...{ store, clock, log, version: "test", exports, catalogue: noCatalogue(), images: async () => [] },
    ...{ networks: () => [network], packetsOf: () => [], backup: backupsIn(state, database) },
  });
  life.use(await startOperatorServer({ path: join(state, "api.sock"), app, log }));
  const addresses = [ip("127.0.0.1")];
  const config = { addresses, names: [] };
  const certificate = operatorCertificate({ config, pki: { directory: join(state, "pki") }, clock, log });
  port = await freePort();
  life.use(await startOperatorTls({ addresses, port, certificate, app, log }));
  const made = await tokens.create({ name: "prometheus", role: "viewer", by: "test" });
  token = made.kind === "created" ? made.token : assert.fail();
  for (const event of [...birthOf(1), ...birthOf(2), asks(3)]) await store.apply(event);
  const id = machineIdFromMac(testMac(2));
  await store.apply({ kind: "conditionSet", id, condition: "failing", reason: "its fan stands" });
  await store.apply({ kind: "orderIssued", id, tokenHash: "x", expiresAtMs: 9e12 });
});
after(async () => {
  await life.disposeAsync();
  rmSync(state, { recursive: true });
});

describe("ansible-inventory by the inventory script", () => {
  const script = join(root, "packaging/ansible/birther-inventory");

  test("reads groups and variables without a warning, also by a symbolic link", async () => {
    const link = join(state, "birther");
    symlinkSync(script, link);
    for (const source of [script, link]) {
      const { status, out, err } = await run(["ansible-inventory", "-i", source, "--list"]);
      assert.equal(status, 0, err);
      assert.doesNotMatch(err, /WARNING|ERROR/);
      const inventory = JSON.parse(out);
      assert.deepEqual(inventory.state_healthy.hosts, ["r01u1", "r01u2"]);
      assert.deepEqual(inventory.condition_failing.hosts, ["r01u2"]);
      assert.deepEqual(inventory.image_compute.hosts, ["r01u1", "r01u2"]);
      assert.equal(inventory._meta.hostvars.r01u1.ansible_host, "10.77.1.1");
      assert.deepEqual(Object.keys(inventory._meta.hostvars), ["r01u1", "r01u2"], "the unnamed one is left out");
    }
  });

  test("one machine's variables", async () => {
    const { out, err } = await run(["ansible-inventory", "-i", script, "--host", "r01u2"]);
    assert.deepEqual(JSON.parse(out).birther_conditions, ["failing"], err);
  });

  test("without a server the error names the next step", async () => {
    const { status, err } = await run(["env", `BIRTHER_STATE=${state}/none`, script, "--list"]);
    assert.equal(status, 3);
    assert.match(err, /no server runs/);
  });
});

/** Tasks that use every variable of a host in the ways in which Ansible evaluates what it is given. */
const tasks = `
- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - debug: { msg: "{{ hostvars[inventory_hostname] }}" }
    - debug: { var: hostvars }
    - set_fact: { copied: "{{ hostvars[inventory_hostname] }}" }
    - debug: { msg: "{{ copied }}" }
    - debug: { msg: "{{ item.key }} is {{ item.value }}" }
      loop: "{{ (birther_tags | default({})) | dict2items }}"
    - set_fact: { keys: "{{ (birther_tags | default({})).keys() | list }}" }
    - debug: { msg: "{{ keys }} {{ birther_position | default('') }} {{ birther_switch | default('') }}" }
    - set_fact: { "{{ item }}": x }
      loop: "{{ keys }}"
      ignore_errors: true
    - debug: { msg: "{{ lookup('vars', 'birther_tags', default='') }} {{ groups }}" }
`;

describe("ansible-playbook with hostile facts", () => {
  const playbook = join(state, "use-all.yml");
  const attack = (mark: string) => `{{ lookup('pipe', 'touch ${join(state, mark)}') }}`;
  const play = async (inventory: string) => {
    writeFileSync(playbook, tasks);
    return await run(["ansible-playbook", "-i", inventory, "-vvv", playbook]);
  };

  test("control: the same facts as ordinary strings run a command", async () => {
    const inventory = join(state, "plain.json");
    const host = { birther_tags: { note: attack("plain") }, birther_switch: attack("plain") };
    writeFileSync(inventory, JSON.stringify({ all: { hosts: { r01u9: host } } }));
    await play(inventory);
    assert.ok(existsSync(join(state, "plain")), "the control must succeed");
  });

  test("values and keys of the inventory run nothing, whatever the tasks do with them", async () => {
    const id = machineIdFromMac(testMac(4));
    const names = {
      switchName: attack("switch"),
      port: attack("port"),
      position: { [attack("group")]: attack("rack") },
    };
    for (const event of birthOf(4)) {
      const isLast = event.kind === "becameHealthy";
      await store.apply(isLast ? { ...event, placement: { ...event.placement, ...names } } : event);
    }
    const tags = { [attack("key")]: attack("value"), [`{% set x = ${attack("block")} %}`]: "x" };
    const details = { tags, groups: [attack("owner")], requiredImage: attack("image") };
    await store.apply({ kind: "detailsSet", id, by: "test", details });
    const { status, out, err } = await play(join(root, "packaging/ansible/birther-inventory"));
    assert.match(out, /r01u4/);
    assert.ok(out.includes("touch"), "the hostile facts are there, as text");
    assert.deepEqual(
      ["switch", "port", "group", "rack", "key", "value", "block", "owner", "image"].filter((mark) =>
        existsSync(join(state, mark)),
      ),
      [],
    );
    assert.equal(status, 0, `${out.slice(-2000)}${err}`);
  });
});

/** A scrape and all rules take seconds; on a starved computer a minute. */
const hangMs = 5 * 60_000;

describe("a real Prometheus", () => {
  test("scrapes over TLS with a viewer's token, and every alert rule works on the result", async () => {
    const own = await freePort();
    writeFileSync(join(state, "token"), token, { mode: 0o600 });
    writeFileSync(
      join(state, "prometheus.yml"),
      `global: { scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 1s }
rule_files: [${root}/packaging/prometheus/birther.rules.yml]
scrape_configs:
  - job_name: birther
    scheme: https
    tls_config: { ca_file: ${state}/pki/ca.pem }
    authorization: { credentials_file: ${state}/token }
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`,
    );
    const child = spawn(
      peerProgram("prometheus"),
      [
        `--config.file=${state}/prometheus.yml`,
        `--storage.tsdb.path=${state}/tsdb`,
        `--web.listen-address=127.0.0.1:${own}`,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const ended = once(child, "exit");
    try {
      type Answer = { data: { result: { value: [number, string] }[]; groups: { rules: Rule[] }[] } };
      type Rule = { name: string; health: string; lastError?: string };
      const ask = async (path: string) => {
        const response = await fetch(`http://127.0.0.1:${own}/api/v1/${path}`).catch(() => undefined);
        return response?.ok === true ? ((await response.json()) as Answer).data : undefined;
      };
      const failing = encodeURIComponent('birther_machines_with_condition{condition="failing"}');
      let rules: Rule[] = [];
      const deadline = performance.now() + hangMs;
      for (;;) {
        const value = (await ask(`query?query=${failing}`))?.result[0]?.value[1];
        rules = (await ask("rules"))?.groups.flatMap((group) => group.rules) ?? [];
        if (value === "1" && rules.length > 0 && rules.every(({ health }) => health !== "unknown")) break;
        assert.equal(child.exitCode, null, said.slice(-3000));
        assert.ok(performance.now() < deadline, `expected a scrape and all rules\n${said.slice(-3000)}`);
        await wait(200);
      }
      assert.deepEqual(
        rules.filter(({ health }) => health !== "ok").map(({ name, lastError }) => [name, lastError]),
        [],
      );
    } finally {
      child.kill("SIGKILL");
      await ended;
    }
  });
});

describe("promtool", () => {
  const promtool = (...text: string[]) => [peerProgram("promtool"), ...text];

  test("check metrics: the export is well-formed and named as Prometheus recommends", async () => {
    const { status, out, err } = await run(promtool("check", "metrics"), await exports.metrics());
    assert.equal(status, 0, `${out}${err}`);
    assert.equal(`${out}${err}`, "");
  });

  test("check metrics refuses malformed text", async () => {
    assert.notEqual((await run(promtool("check", "metrics"), 'a{b="c} 1\n')).status, 0);
  });

  test("check rules, test rules", async () => {
    const checked = await run(promtool("check", "rules", "packaging/prometheus/birther.rules.yml"));
    assert.equal(checked.status, 0, checked.out + checked.err);
    assert.match(checked.out, /SUCCESS: \d\d rules found/);
    const tested = await run(promtool("test", "rules", "packaging/prometheus/birther.rules.test.yml"));
    assert.equal(tested.status, 0, tested.out + tested.err);
  });
});
