import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { credentialFor } from "../../src/contract/credential.ts";
import * as wire from "../../src/contract/machine-facing.ts";
import { plainText } from "../../src/core/bytes/plain-text.ts";
import { bytesFromText } from "../../src/core/bytes/text.ts";
import { readText } from "../../src/core/lldp/lldpdu.ts";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Store } from "../../src/core/ports.ts";
import { describeTftp } from "../../src/core/pxe/describe-packet.ts";
import { subApp } from "../../src/dominator/sub/app.ts";
import { inlineTasks } from "../../src/dominator/thread/tasks.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { hashSecret } from "../../src/mdb/http/credential.ts";
import { machineFacingApp } from "../../src/mdb/machine-api/app.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { type OpenStore, openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { tokensIn } from "../../src/mdb/operator-api/caller/tokens.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { asks, birthOf, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";

/** A terminal's escapes in both forms, a forged line, a formula, text shown backwards, and what Ansible would run. */
const hostile = (mark: string) => `=${mark}\x1b]0;owned\x07\x9b2J\nerror: forged\r\u202e{{ lookup('pipe', 'id') }}`;

const root = join(import.meta.dirname, "../..");
const clock = stillClock();
const random = { bytes: (count: number) => randomBytes(count) };
const log = () => {};
const json = { "content-type": "application/json" };

describe("hostile text reaches no terminal, log, label, spreadsheet or inventory", () => {
  const state = mkdtempSync(join(tmpdir(), "birther-hostile-"));
  const life = new AsyncDisposableStack();
  const [id, other] = [machineIdFromMac(testMac(1)), machineIdFromMac(testMac(2))];
  let opened: OpenStore;
  let store: Store;
  let operators: ReturnType<typeof operatorApp>;
  let exports: ReturnType<typeof openLoneExports>;

  before(async () => {
    opened = life.use(await openStore({ path: ":memory:", clock, log }));
    exports = life.use(openLoneExports(opened, clock));
    store = exports.store;
    operators = operatorApp({
      ...{ store, clock, log, version: "test", exports, networks: () => [], images: async () => [] },
      ...{ packetsOf: () => [], deadlineSeconds: defaultDeadlineSeconds, backup: backupsIn(state, opened) },
      blastRadius: { machines: 10, percent: 10, perSeconds: 3600 },
      tokens: tokensIn({ store, clock, random, log }),
    });
    life.use(await startOperatorServer({ path: join(state, "api.sock"), app: operators, log }));
    for (const inject of Object.values(entries)) await inject();
  });
  after(async () => {
    await life.disposeAsync();
    rmSync(state, { recursive: true });
  });

  const operator = async (path: string, init: RequestInit = {}) =>
    await operators.request(path, init, { listener: { kind: "socket", user: 0 } });

  const entries: { readonly [entry: string]: () => Promise<void> } = {
    "init's report": async () => {
      const config = testConfig();
      await store.apply(asks(1));
      const issued = await orderIssuer({ store, clock, random, orderSeconds: 600 })(id);
      assert.ok(issued.kind === "issued");
      const app = machineFacingApp({ store, config, clock, random, log });
      const order = { token: issued.token, mac: testMac(1), bootId: "boot", firmware: "bios" };
      const taken = await app.request(wire.paths.order, { method: "POST", headers: json, body: JSON.stringify(order) });
      const { session } = (await taken.json()) as { session: string };
      const text = hostile("report");
      const hardware = {
        ...{ cpus: 1, cpuModel: text, memoryMiB: 1, disks: [], firmware: "bios", secureBoot: false, tpm: false },
        nics: [{ name: text, mac: testMac(1), driver: text, speedMbps: 1, carrier: true, path: text }],
        ...{ smbios: { vendor: text, product: text, serial: text, uuid: "u" }, watchdog: text },
      };
      const items = [
        { kind: "log", lines: [text] },
        { kind: "hardware", hardware },
        { kind: "phase", phase: "burnIn", detail: text },
        { kind: "failed", step: "burnIn", reason: text },
      ];
      const headers = { ...json, authorization: `Bearer ${session}` };
      const answer = await app.request(wire.paths.report, { method: "POST", headers, body: JSON.stringify({ items }) });
      assert.equal(answer.status, 200, await answer.text());
    },
    "an agent's poll": async () => {
      const credential = credentialFor(other, "0a".repeat(32));
      for (const event of birthOf(2))
        await store.apply(event.kind === "becameHealthy" ? { ...event, subTokenHash: hashSecret(credential) } : event);
      const images = { refresh: async () => {}, get: () => undefined, resolve: () => undefined, pathOf: () => "" };
      const text = hostile("poll");
      const poll = {
        ...{ machineId: other, running: "image", kernel: text, rebootPending: false, secondsSinceCheck: 0 },
        ...{ freeBytes: 1, log: [text], outcome: { kind: "failed", directive: "fetch", reason: text } },
        agent: { version: "1".repeat(32), rejected: { version: "2".repeat(32), reason: text } },
      };
      const headers = { ...json, authorization: `Bearer ${credential}` };
      const app = subApp({ store, images, tasks: inlineTasks(), caPem: "", clock, log });
      const answer = await app.request(wire.paths.subPoll, { method: "POST", headers, body: JSON.stringify(poll) });
      assert.equal(answer.status, 200, await answer.text());
    },
    "an operator": async () => {
      const body = JSON.stringify({ reason: hostile("operator") });
      const answer = await operator(`/v1/machines/${id}/hold`, { method: "POST", headers: json, body });
      assert.equal(answer.status, 200, await answer.text());
    },
    // Events of a version that did not look at them, or of a part that forgets to.
    "a record that has it already": async () => {
      const text = hostile("record");
      await store.apply({ kind: "conditionSet", id, condition: "maintenance", reason: text });
      await store.apply({ kind: "detailsSet", id: other, by: text, details: { tags: { note: text } } });
      store.addLog(other, [text]);
    },
  };

  const run = async (command: string, ...words: string[]) => {
    const env = { ...process.env, BIRTHER_STATE: state };
    return (await promisify(execFile)(command, words, { cwd: root, env, timeout: 30_000 })).stdout;
  };
  const birther = (...words: string[]) => run(join(root, "birther"), ...words);
  const served = async (path: string) => (await operator(path)).text();
  const logged = (isJson: boolean) => {
    const file = JSON.stringify(new URL("../../src/log/structured-log.ts", import.meta.url).href);
    const action = `const { openLog } = await import(${file});
      openLog({ json: ${isJson}, least: "info" })("warn", process.argv[1], { file: process.argv[1], list: [process.argv[1]] });`;
    const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", action, hostile("log")];
    return run("sh", "-c", '"$0" "$@" 2>&1', process.execPath, ...flags);
  };
  const exits: { readonly [exit: string]: { readonly has: RegExp; readonly text: () => string | Promise<string> } } = {
    "birther log": { has: /poll|record/, text: () => birther("log", other) },
    "birther show": { has: /report/, text: () => birther("show", id) },
    "birther why": { has: /operator|record|report/, text: () => birther("why", id) },
    "birther events": { has: /report/, text: () => birther("events", id) },
    "birther machines": { has: /m-02/, text: () => birther("machines") },
    "birther audit": { has: /record/, text: () => birther("audit") },
    "birther show --output json": { has: /report/, text: () => birther("show", id, "--output", "json") },
    "NetBox's CSV": { has: /report/, text: () => served("/v1/exports/netbox?table=devices") },
    "NetBox's CSV of NICs": { has: /report/, text: () => served("/v1/exports/netbox?table=interfaces") },
    metrics: { has: /birther_machines/, text: () => served("/metrics") },
    "the log for people": { has: /log/, text: () => logged(false) },
    "the log for programs": { has: /log/, text: () => logged(true) },
    "an LLDP name": { has: /lldp/, text: () => readText(bytesFromText(hostile("lldp").replace(/\u202e/, ""))) },
    "a TFTP name": {
      has: /tftp/,
      text: () => {
        const name = hostile("tftp").replace(/\u202e/, "");
        return describeTftp(bytesFromText(`\0\x01${name}\0octet\0`)).facts.join(" ");
      },
    },
  };
  for (const [exit, { has, text }] of Object.entries(exits)) {
    test(exit, async () => {
      const shown = await text();
      assert.match(shown, has, "the hostile text, or what is beside it, is there");
      for (const line of shown.split(/\r?\n/)) {
        assert.equal(line, plainText(line));
        assert.doesNotMatch(line, /^error: forged/);
        if (exit.includes("CSV")) for (const cell of line.split(/,"?/)) assert.doesNotMatch(cell, /^[=+@-]/);
      }
    });
  }

  test("Ansible's inventory: every foreign text is marked as unsafe", async () => {
    const { _meta } = JSON.parse(await served("/v1/exports/ansible"));
    const [host] = Object.values<Record<string, unknown>>(_meta.hostvars);
    assert.ok(host !== undefined);
    const marked = (value: unknown): boolean =>
      typeof value === "object" && value !== null && "__ansible_unsafe" in value;
    const { birther_tags: tags, birther_switch: port } = host as { birther_tags: object; birther_switch: unknown };
    assert.ok(marked(port) && Object.values(tags).length > 0 && Object.values(tags).every(marked));
    const bare = JSON.stringify(host).replace(/\{"__ansible_unsafe":"(?:[^"\\]|\\.)*"\}/g, "");
    assert.doesNotMatch(bare, /\{\{/);
  });
});
