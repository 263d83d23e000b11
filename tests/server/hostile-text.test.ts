import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { viewPacket } from "../../src/boot-server/observe/packet-view.ts";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { credentialFor } from "../../src/contract/credential.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { operatorRoutes } from "../../src/contract/operator/routes.ts";
import type { NetworkView } from "../../src/contract/operator/views.ts";
import { plainText } from "../../src/core/bytes/plain-text.ts";
import { readText } from "../../src/core/lldp/lldpdu.ts";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import { noticesOf } from "../../src/core/machine/health/notification.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { unverifiedText } from "../../src/core/machine/unverified-line.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Store } from "../../src/core/ports.ts";
import { subApp } from "../../src/dominator/sub/app.ts";
import { inlineTasks } from "../../src/dominator/thread/tasks.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { hashSecret } from "../../src/mdb/http/credential.ts";
import { machineFacingApp } from "../../src/mdb/machine-api/app.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { type OpenStore, openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { asks, birthOf, stillClock, storedToken, testMac } from "../../src/mdb/testing/fleet.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { hostileBytes, hostileText } from "../support/hostile-words.ts";

const root = join(import.meta.dirname, "../..");
const clock = stillClock();
const random = { bytes: (count: number) => randomBytes(count) };
const log = () => {};
const json = { "content-type": "application/json" };

/** A DISCOVER with hostile bytes in every option that is text somewhere: RFC 2132 §3.14, §9.9, §9.13 and §9.14, RFC 3004. */
function hostileDiscover(): Uint8Array {
  const head = Buffer.alloc(240);
  head.set([1, 1, 6]);
  head.writeUInt32BE(0x63825363, 236);
  head.write(hostileText("sname"), 44, 64, "latin1");
  head.write(hostileText("file"), 108, 128, "latin1");
  const options = [12, 15, 56, 60, 61, 66, 67, 77].map((code) => {
    const bytes = hostileBytes(`option ${code}`);
    return Buffer.concat([Buffer.of(code, bytes.length), bytes]);
  });
  return Buffer.concat([head, Buffer.of(53, 1, 1), ...options, Buffer.of(255)]);
}
const tftpRequest = Buffer.concat([Buffer.of(0, 1), Buffer.from(`${hostileText("tftp")}\0octet\0`, "latin1")]);
const tftpError = Buffer.concat([Buffer.of(0, 5, 0, 0), Buffer.from(`${hostileText("error")}\0`, "latin1")]);
const end = { address: ip("10.77.0.9"), port: 68 };
const packets = [
  { protocol: "dhcp", bytes: hostileDiscover() },
  { protocol: "tftp", bytes: tftpRequest },
  { protocol: "tftp", bytes: tftpError },
] as const;
const packetViews = packets.map((packet) =>
  viewPacket({ ...packet, atMs: 1, direction: "in", source: end, destination: end }),
);
const network: NetworkView = {
  ...{ name: "rack", nursery: true, declined: [], receiveBufferBytes: 1, mode: "full" },
  pool: { first: "10.0.0.1", last: "10.0.0.9", size: 9, held: 4 },
  ...{ received: 7, answered: 5, answers: {}, unanswered: { [hostileText("networks")]: 2 }, malformed: {} },
};

const disk = { sizeBytes: 1e12, rotational: false, removable: false };
const tested = { test: "disk", ok: false, durationMs: 1, figures: { [hostileText("figure")]: 1 } };

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
      models: modelsOf(store),
      ...{
        store,
        clock,
        log,
        version: "test",
        exports,
        networks: () => [network],
        catalogue: noCatalogue(),
        images: async () => [],
      },
      ...{ packetsOf: () => packetViews, deadlineSeconds: defaultDeadlineSeconds, backup: backupsIn(state, opened) },
      blastRadius: { machines: 10, percent: 10, perSeconds: 3600 },
      ...callersIn({ store, clock, random, log }),
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
      const tpm = { kind: "unusable", reason: hostileText("tpm") };
      const order = { token: issued.token, mac: testMac(1), bootId: hostileText("boot"), firmware: "bios", tpm };
      const taken = await app.request(paths.order, { method: "POST", headers: json, body: JSON.stringify(order) });
      const { session } = (await taken.json()) as { session: string };
      const text = hostileText("report");
      const hardware = {
        ...{ cpus: 1, cpuModel: text, memoryMiB: 1, firmware: "bios", secureBoot: false, tpm: false },
        disks: [{ ...disk, path: text, model: text, serial: text, wwn: text, bus: text }],
        pciDevices: [{ address: text, id: text, class: text, driver: text }],
        sizelessDisks: [text],
        missingFirmware: [{ device: text, family: text, file: text }],
        nics: [{ name: text, mac: testMac(1), driver: text, speedMbps: 1, carrier: true, path: text }],
        ...{ smbios: { vendor: text, product: text, serial: text, uuid: "u" }, watchdog: text },
      };
      const items = [
        { kind: "log", lines: [text] },
        { kind: "hardware", hardware },
        { kind: "phase", phase: "burnIn", detail: text },
        { kind: "burnIn", report: { verdict: "failed", results: [{ ...tested, subject: text, fault: text }] } },
        {
          kind: "neighbours",
          neighbours: [
            {
              ...{ switchName: text, port: text, portIdKind: "interfaceName", portId: text, portDescription: text },
              otherPort: { text, agrees: false },
            },
          ],
        },
        {
          kind: "erasure",
          erasure: {
            disk: { path: text, serial: text, wwn: text, model: text, sizeBytes: 1 },
            steps: [
              {
                ...{ method: "keyDestroyed", what: text, found: 1, startedAtMs: 1, endedAtMs: 2 },
                verification: { kind: "unverified", reason: text },
              },
            ],
          },
        },
        { kind: "failed", step: "burnIn", reason: text },
      ];
      const headers = { ...json, authorization: `Bearer ${session}` };
      const report = async (...items: readonly object[]) =>
        await app.request(paths.report, { method: "POST", headers, body: JSON.stringify({ items }) });
      const answer = await report(...items);
      assert.equal(answer.status, 200, await answer.text());
      // Data on a disk is a reason to hold, in words of the machine.
      const holding = { ...hardware, disks: hardware.disks.map((disk) => ({ ...disk, contents: [text] })) };
      const held = await report({ kind: "hardware", hardware: holding });
      assert.equal(held.status, 423, await held.text());
    },
    "an agent's poll": async () => {
      const credential = credentialFor(other, "0a".repeat(32));
      for (const event of birthOf(2))
        await store.apply(event.kind === "becameHealthy" ? { ...event, subTokenHash: hashSecret(credential) } : event);
      const images = { refresh: async () => {}, get: () => undefined, resolve: () => undefined, pathOf: () => "" };
      const text = hostileText("poll");
      const poll = {
        ...{ machineId: other, running: "image", kernel: text, rebootPending: false, secondsSinceCheck: 0 },
        ...{ freeBytes: 1, log: [text], outcome: { kind: "failed", directive: "fetch", reason: text } },
        agent: { version: "1".repeat(32), rejected: { version: "2".repeat(32), reason: text } },
      };
      const headers = { ...json, authorization: `Bearer ${credential}` };
      const app = subApp({ store, images, tasks: inlineTasks(), caPem: "", clock, log });
      const answer = await app.request(paths.subPoll, { method: "POST", headers, body: JSON.stringify(poll) });
      assert.equal(answer.status, 200, await answer.text());
    },
    "an operator": async () => {
      const body = JSON.stringify({ reason: hostileText("operator") });
      const answer = await operator(`/v1/machines/${id}/hold`, { method: "POST", headers: json, body });
      assert.equal(answer.status, 200, await answer.text());
    },
    // Events of a version that did not look at them, or of a part that forgets to.
    "a record that has it already": async () => {
      const text = hostileText("record");
      await store.apply({ kind: "conditionSet", id, condition: "maintenance", reason: text });
      const model = { vendor: text, product: text, firmware: "bios", client: "biosIpxe" } as const;
      const lesson = { ...model, scores: { scriptExit: 1 }, learnedAtMs: 1 };
      await store.putDocument({ kind: "lesson", key: text, document: lesson });
      await store.putDocument({ kind: "token", key: text, document: { ...storedToken("viewer"), createdBy: text } });
      await store.apply({ kind: "detailsSet", id: other, by: text, details: { tags: { note: text, [text]: text } } });
      store.addLog(other, [text]);
      store.addEarlyLog(other, [unverifiedText(1, text)], "0123abcd-1");
    },
  };

  const run = async (command: string, ...words: string[]) => {
    const env = { ...process.env, BIRTHER_STATE: state };
    return (await promisify(execFile)(command, words, { cwd: root, env, timeout: 30_000 })).stdout;
  };
  const birther = (...words: string[]) => run(join(root, "birther"), ...words);
  const shell = (script: string, ...words: string[]) => run("sh", "-c", script, join(root, "birther"), ...words);
  const watched = (...words: string[]) => {
    const file = join(state, `watched${words.length}`);
    const script = `file=$1; shift
      "$0" watch --since 0 "$@" > "$file" & pid=$!
      until grep -q =record "$file"; do kill -0 $pid || exit 1; sleep 0.1; done
      kill $pid; cat "$file"`;
    return shell(script, file, ...words);
  };
  const served = async (path: string) => (await operator(path)).text();
  const erasure = (option: string) => {
    const [kept] = store.documents("erasure");
    return birther("erasures", "show", kept?.key ?? assert.fail("no erasure is kept"), option);
  };
  const logged = (isJson: boolean) => {
    const file = JSON.stringify(new URL("../../src/log/structured-log.ts", import.meta.url).href);
    const action = `const { openLog } = await import(${file});
      openLog({ json: ${isJson}, least: "info" })("warn", process.argv[1], { file: process.argv[1], list: [process.argv[1]] });`;
    const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", action, hostileText("log")];
    return run("sh", "-c", '"$0" "$@" 2>&1', process.execPath, ...flags);
  };
  const exits: { readonly [exit: string]: { readonly has: RegExp; readonly text: () => string | Promise<string> } } = {
    "birther log": { has: /poll|record/, text: () => birther("log", other) },
    "birther show": { has: /report/, text: () => birther("show", id) },
    "birther why": { has: /operator|record|report/, text: () => birther("why", id) },
    "birther events": { has: /report/, text: () => birther("events", id) },
    "birther machines": { has: /m-02/, text: () => birther("machines") },
    "birther audit": { has: /record/, text: () => birther("audit") },
    // Their exit status says that a machine fails.
    "birther status": { has: /machines/, text: () => shell('"$0" status 2>&1 || true') },
    "birther failures": { has: /poll|report|record/, text: () => shell('"$0" failures 2>&1 || true') },
    "birther racks": { has: /rack|switch|place|no machine/, text: () => shell('"$0" racks 2>&1') },
    "birther burnin": { has: /report|MODEL|burn-in/, text: () => shell('"$0" burnin 2>&1') },
    "birther slot": { has: /no-such/, text: () => shell('"$0" slot "$1" 2>&1 || true', hostileText("no-such")) },
    "birther events --since": { has: /report/, text: () => birther("events", "--since", "1970-01-01T00:00") },
    "birther networks": { has: /networks/, text: () => birther("networks") },
    "birther packets": { has: /option 56.*\n.*=tftp.*\n.*=error/, text: () => birther("packets", id) },
    "birther quirks": { has: /record/, text: () => birther("quirks") },
    "birther erasures": { has: /report/, text: () => birther("erasures") },
    "birther erasures show": { has: /report/, text: () => erasure("--certificate") },
    "birther erasures show --statement": { has: /report/, text: () => erasure("--statement") },
    "birther tokens list": { has: /record/, text: () => birther("tokens", "list") },
    "birther image list": { has: /images/, text: () => shell('"$0" image list 2>&1') },
    "birther watch": { has: /=record/, text: () => watched() },
    "birther watch --output json": { has: /=record/, text: () => watched("--output", "json") },
    "birther report": {
      has: /poll|record/,
      text: () =>
        shell('"$0" report "$1" --file "$2" && tar --exclude "*.pcap" -xzOf "$2"', other, join(state, "report")),
    },
    "birther export dominator": { has: /record/, text: () => birther("export", "dominator") },
    "birther export ansible": { has: /record/, text: () => birther("export", "ansible", "--list") },
    "birther show of a machine that does not exist": {
      has: /no-such/,
      text: () => shell('"$0" show "$1" 2>&1 || true', hostileText("no-such").replaceAll("/", "")),
    },
    "birther show --output json": { has: /report/, text: () => birther("show", id, "--output", "json") },
    "NetBox's CSV": { has: /report/, text: () => served("/v1/exports/netbox?table=devices") },
    "NetBox's CSV of NICs": { has: /report/, text: () => served("/v1/exports/netbox?table=interfaces") },
    "a webhook's call": {
      has: /=operator/,
      text: () => {
        const machine = store.get(id) ?? assert.fail();
        const event = { kind: "resumed", id } as const;
        return noticesOf(undefined, { machine, event, atMs: 1 })
          .map((notice) => JSON.stringify(notice))
          .join("\n");
      },
    },
    metrics: { has: /birther_machines/, text: () => served("/metrics") },
    "the log for people": { has: /log/, text: () => logged(false) },
    "the log for programs": { has: /log/, text: () => logged(true) },
    "an LLDP name": { has: /lldp/, text: () => readText(hostileBytes("lldp")) },
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

  test("each verb that shows something is in the table above", () => {
    const directory = join(root, "src/cli/read");
    for (const file of readdirSync(directory)) {
      const [, verb] = /\.command\("([a-z]+)/.exec(readFileSync(join(directory, file), "utf8")) ?? [];
      if (verb === undefined || file.endsWith(".test.ts")) continue;
      assert.ok(
        Object.keys(exits).some((exit) => exit.startsWith("birther ") && exit.split(" ").includes(verb)),
        `${file}: expected a line "birther ${verb}" in exits`,
      );
    }
  });

  for (const [name, { method, path, ...route }] of Object.entries(operatorRoutes)) {
    if (method !== "GET") continue;
    const type: string = "answerType" in route ? route.answerType : "application/json";
    if (/sqlite|pcap/.test(type)) {
      test(`GET ${path} (${name}): bytes for a program; a browser stores them in a file with a harmless name`, async () => {
        for (const machine of [id, other]) {
          const answer = await operator(path.replace(":name", machine));
          assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, type]);
          assert.match(answer.headers.get("content-disposition") ?? "", /^attachment; filename="[\w.-]+"$/);
          assert.equal((await answer.arrayBuffer()).byteLength, Number(answer.headers.get("content-length")));
        }
      });
      continue;
    }
    test(`GET ${path} (${name}): no byte of it is a command`, async () => {
      const query =
        "query" in route && path.endsWith("netbox") ? "?table=devices" : path.endsWith("changes") ? "?since=0" : "";
      for (const machine of [id, other]) {
        const answer = await operator(path.replace(":name", machine) + query);
        // The feed of rows tells of what changes from now on.
        if (name === "fleetChanges")
          await store.apply({ kind: "phaseSeen", id: machine, phase: "updating", detail: hostileText("row") });
        const text = await firstOf(answer, name === "fleetChanges" ? "data:" : "conditionSet");
        assert.ok(answer.status < 500 || path === "/readyz", `status ${answer.status}: ${text}`);
        for (const line of text.split(/\r?\n/)) assert.equal(line, plainText(line));
      }
    });
  }

  test("a problem (RFC 9457) repeats nothing of a request as a command", async () => {
    const bad = encodeURIComponent(hostileText("bad").replace("\ud800", ""));
    const posted = { method: "POST", headers: json };
    const requests: readonly (readonly [string, RequestInit])[] = [
      [`/v1/machines/${bad}`, {}],
      [`/v1/${bad}`, {}],
      [`/v1/machines?${bad}=1&${bad}=2`, {}],
      ["/v1/machines", { headers: { accept: "text/\x9b2J" } }],
      ["/v1/machines", { ...posted, headers: { "content-type": "\x9b2J" }, body: "{}" }],
      [`/v1/machines/${id}/hold`, { ...posted, body: hostileText("bad") }],
      [`/v1/machines/${id}/hold`, { ...posted, body: JSON.stringify({ [hostileText("bad")]: 1 }) }],
    ];
    for (const [path, init] of requests) {
      const answer = await operator(path, init);
      const text = await answer.text();
      assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status} ${text}`);
      assert.equal(text, plainText(text));
    }
  });

  test("a name or a group from an operator is not any text", async () => {
    for (const details of [{ hostname: hostileText("name") }, { groups: [hostileText("group")] }]) {
      const init = { method: "PATCH", headers: { "content-type": "application/merge-patch+json" } };
      const answer = await operator(`/v1/machines/${id}`, { ...init, body: JSON.stringify(details) });
      assert.equal(answer.status, 422, await answer.text());
    }
  });

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

/** The whole text of an answer, or of a stream that does not end what it has at once. */
async function firstOf(answer: Response, until: string): Promise<string> {
  if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) return await answer.text();
  const reader = answer.body?.getReader();
  let text = "";
  while (reader !== undefined && !text.includes(until))
    text += Buffer.from((await reader.read()).value ?? []).toString();
  await reader?.cancel();
  return text;
}
