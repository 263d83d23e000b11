import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { getRequestListener } from "@hono/node-server";
import * as v from "valibot";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { type OrderRequest, orderAnswer, type TpmReport, tpmReasonLimit } from "../../src/contract/machine/order.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { type HealthyRequest, healthyAnswer, type SentReportItem } from "../../src/contract/machine/report.ts";
import { problem } from "../../src/contract/problem.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Random, Store } from "../../src/core/ports.ts";
import { machineFacingApp } from "../../src/mdb/machine-api/app.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
import { openPki, type ServerIdentity } from "../../src/mdb/tls/pki.ts";
import { responseTo } from "../support/response-to.ts";

const config = testConfig();
const place = (unit: number): HealthyRequest["placement"] => ({
  switchName: "tor-1",
  port: `swp${unit}`,
  position: { rack: "1", unit: String(unit) },
  hostname: `r01u${String(unit).padStart(2, "0")}`,
  address: `10.77.1.${64 + unit}`,
});
const healthy = (unit: number, generation = 1): HealthyRequest => ({
  generation,
  image: "compute",
  placement: place(unit),
  storage: {
    rootDisk: { path: "/dev/vda", serial: "s", sizeBytes: 1, why: "only" },
    encryption: { kind: "luks2", keyIn: "uefi-variable" },
  },
});

type Answer = { readonly status: number; readonly type: string; readonly body: unknown };

describe("machine-facing API over TLS", () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-api-"));
  const clock = stillClock();
  const random: Random = { bytes: (count) => randomBytes(count) };
  const log = () => {};
  let store: Store & AsyncDisposable;
  let identity: ServerIdentity;
  let port = 0;
  const server = createServer();
  let machines = 0;

  before(async () => {
    store = await openStore({ path: ":memory:", clock, log });
    identity = await openPki({ directory: join(directory, "pki"), clock: { ...clock, nowMs: Date.now }, log });
    server.setSecureContext({ cert: identity.certificatePem, key: identity.keyPem });
    server.on("request", getRequestListener(machineFacingApp({ store, config, clock, random, log }).fetch));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await store[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const post = (path: string, body: unknown, bearer?: string): Promise<Answer> =>
    postRaw(path, JSON.stringify(body), bearer);
  async function postRaw(path: string, body: string, bearer?: string): Promise<Answer> {
    const headers = { "content-type": "application/json", ...(bearer && { authorization: `Bearer ${bearer}` }) };
    const sent = request({
      port,
      path,
      method: "POST",
      headers,
      ca: identity.caPem,
      servername: "birther",
      host: "127.0.0.1",
    });
    sent.end(body);
    const response = await responseTo(sent);
    const text = (await response.setEncoding("utf8").toArray()).join("");
    return { status: response.statusCode, type: String(response.headers["content-type"]), body: JSON.parse(text) };
  }
  const problemOf = ({ status, type, body }: Answer): [number, string] => {
    assert.match(type, /^application\/problem\+json/);
    const { kind, detail, next } = v.parse(problem, body);
    assert.ok(detail !== "" && next !== "");
    return [status, kind];
  };

  /** A new machine that has fetched its boot script. */
  async function newborn() {
    const n = ++machines;
    await store.apply(asks(n));
    const id = machineIdFromMac(testMac(n));
    const issue = orderIssuer({ store, clock, random, orderSeconds: config.orderSeconds });
    const issued = await issue(id);
    assert.ok(issued.kind === "issued");
    const take = (change: Partial<OrderRequest> = {}) =>
      post(paths.order, { token: issued.token, mac: testMac(n), bootId: "boot-1", firmware: "bios", ...change });
    const begin = async () => v.parse(orderAnswer, (await take()).body);
    return { n, id, issue, take, begin, token: issued.token };
  }

  test("order, reports, healthy: the whole exchange", async () => {
    const machine = await newborn();
    const order = await machine.begin();
    assert.deepEqual(
      [order.machineId, order.action, order.generation, order.nowMs, order.permanent],
      [
        machine.id,
        "birth",
        1,
        clock.nowMs(),
        { prefixLength: 24, gateway: ip("10.77.1.1"), nameservers: [], mdb: { address: ip("10.77.1.1"), port: 443 } },
      ],
    );
    const items: SentReportItem[] = [
      { kind: "phase", phase: "burnIn", durationMs: 10 },
      { kind: "log", lines: ["one", "two"] },
      { kind: "placed", placement: place(1) },
      { kind: "phase", phase: "populated" },
    ];
    assert.deepEqual(await post(paths.report, { items }, order.session), {
      status: 200,
      type: "application/json",
      body: {},
    });
    const { subToken } = v.parse(healthyAnswer, (await post(paths.healthy, healthy(1), order.session)).body);
    assert.match(subToken, /^m-020000000001\.[0-9a-f]{64}$/);
    const record = store.get(machine.id);
    assert.deepEqual([record?.state, record?.hostname, record?.phase], ["healthy", "r01u01", "populated"]);
    assert.deepEqual(store.log(machine.id), ["one", "two"]);
    assert.ok(!JSON.stringify(store.list()).includes(subToken.slice(-64)), "no secret is kept");
    // The answer was lost: the same boot asks again and gets another credential.
    assert.equal((await post(paths.healthy, healthy(1), order.session)).status, 200);
  });

  test("the same boot takes its order again; the session of the lost answer is then void", async () => {
    const machine = await newborn();
    const lost = await machine.begin();
    const order = await machine.begin();
    assert.deepEqual(problemOf(await post(paths.report, { items: [] }, lost.session)), [401, "badSession"]);
    assert.equal((await post(paths.report, { items: [] }, order.session)).status, 200);
  });

  test("an order with rules for the root disk has a number that older inits refuse; without rules nothing changes", async () => {
    const rules = [{ bus: "nvme" }, {}] as const;
    const ruled = machineFacingApp({
      ...{ store, clock, random, log },
      config: testConfig({ storage: { rootDisk: [...rules] } }),
    });
    const facts = { bootId: "boot-1", firmware: "bios" };
    const machine = await newborn();
    const body = JSON.stringify({ ...facts, token: machine.token, mac: testMac(machine.n) });
    const answer = await ruled.request(paths.order, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const order = v.parse(orderAnswer, await answer.json());
    assert.deepEqual([order.protocol, order.rootDiskRules], [4, rules]);
    const plain = (await (await newborn()).take()).body as object;
    assert.deepEqual(["protocol" in plain && plain.protocol, "rootDiskRules" in plain], [1, false]);
  });

  test("refused orders", async () => {
    const machine = await newborn();
    const other = await newborn();
    assert.deepEqual(problemOf(await machine.take({ token: "00".repeat(32) })), [401, "unknownToken"]);
    assert.deepEqual(problemOf(await machine.take({ mac: testMac(other.n) })), [403, "foreignToken"]);
    assert.deepEqual(problemOf(await machine.take({ mac: "02:ff:ff:ff:ff:ff", token: "guess" })), [
      404,
      "noSuchMachine",
    ]);
    assert.deepEqual(problemOf(await machine.take({ mac: "nonsense" })), [422, "misshapen"]);
    assert.deepEqual(problemOf(await machine.take({ protocol: 2 })), [422, "newerProtocol"]);
    await machine.begin();
    assert.deepEqual(problemOf(await machine.take({ bootId: "boot-2" })), [401, "usedToken"]);

    await store.apply({ kind: "conditionSet", id: other.id, condition: "hold", reason: "disk swap" });
    assert.deepEqual(problemOf(await other.take()), [423, "held"]);
    const again = await other.issue(other.id);
    assert.equal(again.kind === "refused" && again.refusal.kind, "held");
    await store.apply({ kind: "conditionCleared", id: other.id, condition: "hold" });
    clock.pass(config.orderSeconds * 1000);
    assert.deepEqual(problemOf(await other.take()), [401, "expiredToken"]);
  });

  test("a healthy machine's old token and old session are void", async () => {
    const machine = await newborn();
    const { session } = await machine.begin();
    assert.equal((await post(paths.healthy, healthy(40), session)).status, 200);
    assert.deepEqual(problemOf(await machine.take()), [409, "staleOrder"]);
    await store.apply({ kind: "rebirthAsked", id: machine.id, by: "operator" });
    assert.deepEqual(problemOf(await machine.take()), [409, "staleOrder"]);
    assert.deepEqual(problemOf(await post(paths.healthy, healthy(40), session)), [409, "staleOrder"]);
    assert.equal(store.get(machine.id)?.state, "rebirth");
  });

  test("a reinstalled machine learns its root disk", async () => {
    const machine = await newborn();
    const { session, rootDisk } = await machine.begin();
    assert.equal(rootDisk, undefined);
    const { storage, ...rest } = healthy(41);
    const identity = { path: "/dev/vda", serial: "S1", wwn: "w1", sizeBytes: 1 };
    const asked = { ...rest, storage: { ...storage, rootDisk: { ...identity, why: "only" }, disks: [identity] } };
    assert.equal((await post(paths.healthy, asked, session)).status, 200);
    await store.apply({ kind: "cleanAsked", id: machine.id, by: "operator" });
    const issued = await machine.issue(machine.id);
    assert.ok(issued.kind === "issued");
    const order = v.parse(orderAnswer, (await machine.take({ token: issued.token, bootId: "boot-2" })).body);
    assert.deepEqual([order.action, order.rootDisk, order.knownDisks], ["clean", identity, [identity]]);
  });

  test("requests without a session, or with a wrong one", async () => {
    const machine = await newborn();
    await machine.begin();
    const wrong = ["", "nonsense", `${machine.id}.${"0".repeat(64)}`, `m-ffffffffffff.${"0".repeat(64)}`];
    for (const path of [paths.report, paths.healthy]) {
      for (const session of wrong) {
        assert.deepEqual(problemOf(await post(path, { items: [] }, session)), [401, "badSession"]);
      }
    }
  });

  test("invalid bodies", async () => {
    const machine = await newborn();
    const { session } = await machine.begin();
    assert.deepEqual(problemOf(await postRaw(paths.order, "{")), [400, "malformed"]);
    assert.deepEqual(problemOf(await postRaw(paths.order, "[]")), [422, "misshapen"]);
    const deep = "[".repeat(8000) + "]".repeat(8000);
    assert.deepEqual(problemOf(await postRaw(paths.order, deep)), [400, "malformed"]);
    const deeper = `{"items":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    assert.deepEqual(problemOf(await postRaw(paths.report, deeper, session)), [400, "malformed"]);
    const wrongField = await post(paths.order, { token: machine.token, mac: testMac(machine.n), bootId: 7 });
    assert.deepEqual(problemOf(wrongField), [422, "misshapen"]);
    assert.match(JSON.stringify(wrongField.body), /bootId: .*firmware: /);
    assert.deepEqual(problemOf(await post(paths.order, { token: "x".repeat(20_000) })), [413, "tooLarge"]);
    assert.deepEqual(problemOf(await postRaw(paths.report, "x".repeat(1_100_000), session)), [413, "tooLarge"]);
    assert.deepEqual(problemOf(await post(paths.report, { items: [{ kind: "wish" }] }, session)), [422, "misshapen"]);
    assert.deepEqual(problemOf(await post("/machine/v1/else", {})), [404, "noSuchRoute"]);
    const { status } = await machine.take({ colour: "red" } as Partial<OrderRequest>);
    assert.equal(status, 200, "what a newer init adds is read past");
  });

  test("what a machine may say of its TPM is limited; a key that proves nothing stops no birth", async () => {
    const machine = await newborn();
    const key = { kind: "key", ek: "", activator: "" } as const;
    const wrong: readonly TpmReport[] = [
      { ...key, ek: "AB" },
      { ...key, ek: "abc" },
      { ...key, ek: "00".repeat(1025) },
      { ...key, activator: "00".repeat(1025) },
      { ...key, secret: "00".repeat(65) },
      { kind: "unusable", reason: "x".repeat(tpmReasonLimit + 1) },
    ];
    for (const tpm of wrong) assert.deepEqual(problemOf(await machine.take({ tpm })), [422, "misshapen"]);
    assert.equal((await machine.take({ tpm: key })).status, 200);
    assert.equal(store.byMac(testMac(machine.n))?.tpm, undefined);
  });

  test("a slot that is taken stops the newcomer, with a condition that names both", async () => {
    const holder = await newborn();
    const first = await holder.begin();
    await post(paths.healthy, healthy(20), first.session);
    const newcomer = await newborn();
    const { session } = await newcomer.begin();
    const items = [
      { kind: "placed", placement: place(20) },
      { kind: "phase", phase: "keysMade" },
    ];
    assert.deepEqual(problemOf(await post(paths.report, { items }, session)), [409, "nameTaken"]);
    const [condition] = store.get(newcomer.id)?.conditions ?? [];
    assert.match(condition?.reason ?? "", new RegExp(`${newcomer.id}.*${holder.id}`));
    assert.notEqual(store.get(newcomer.id)?.phase, "keysMade");
    assert.deepEqual(problemOf(await post(paths.healthy, healthy(20), session)), [409, "nameTaken"]);
    assert.equal(store.get(holder.id)?.state, "healthy");
  });

  test("duplicate reports of earlier versions of init are ignored", async () => {
    const machine = await newborn();
    const { session } = await machine.begin();
    const request = { ...healthy(31), hostname: "r01u31", address: place(31).address };
    assert.equal((await post(paths.healthy, request, session)).status, 200);
  });

  test("a machine gets only the name and address of its slot", async () => {
    const machine = await newborn();
    const { session } = await machine.begin();
    const wishes: HealthyRequest[] = [
      { ...healthy(30), placement: { ...place(30), hostname: "r01u31" } },
      { ...healthy(30), placement: { ...place(30), hostname: "king" } },
      { ...healthy(30), placement: { ...place(30), port: "eth0" } },
      { ...healthy(30), placement: { ...place(30), address: "10.77.1.1" } },
    ];
    for (const wish of wishes) {
      assert.deepEqual(problemOf(await post(paths.healthy, wish, session)), [409, "wrongPlace"]);
    }
    assert.equal(store.get(machine.id)?.conditions[0]?.kind, "failing");
    assert.deepEqual(problemOf(await post(paths.healthy, { ...healthy(30), image: "rootkit" }, session)), [
      409,
      "wrongImage",
    ]);
    assert.equal((await post(paths.healthy, healthy(30), session)).status, 200);
    assert.deepEqual(store.get(machine.id)?.conditions, []);
  });

  test("a failed step is on the record", async () => {
    const machine = await newborn();
    const { session } = await machine.begin();
    await post(paths.report, { items: [{ kind: "failed", step: "partition", reason: "no disk" }] }, session);
    assert.equal(store.get(machine.id)?.conditions[0]?.reason, "partition: no disk");
  });
});
