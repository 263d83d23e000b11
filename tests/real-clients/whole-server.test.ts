import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get, type IncomingHttpHeaders, request as plainRequest } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Webhook } from "standardwebhooks";
import * as v from "valibot";
import type { ConfigInput } from "../../src/contract/config/schema.ts";
import { testConfig, testNetworkInput } from "../../src/contract/config/testing/test-config.ts";
import { orderAnswer } from "../../src/contract/machine/order.ts";
import { paths as machinePaths } from "../../src/contract/machine/paths.ts";
import { healthyAnswer } from "../../src/contract/machine/report.ts";
import { ip as ipv4, macOf } from "../../src/core/net/testing/addresses.ts";
import type { Log } from "../../src/core/ports.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { startServer } from "../../src/main/server/server.ts";
import { writeFakeBootFiles } from "../fake-boot-files.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { responseTo } from "../support/response-to.ts";

const parent = mkdtempSync(join(tmpdir(), "birther-whole-"));
after(() => rmSync(parent, { recursive: true }));
const lines: string[] = [];
const log: Log = (level, message, facts) => void lines.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
const mac = macOf("02:00:00:00:00:07");

function config(change: Partial<ConfigInput["networks"][number]> = {}, more: Partial<ConfigInput> = {}) {
  const permanent = { prefix: "10.77.1.0/24", serverAddress: "10.77.1.1" };
  const network = { ...testNetworkInput, permanent, ...change };
  return testConfig({ stateDirectory: join(parent, "state"), networks: [network], ...more });
}

/** The payload that a receiver of a webhook must get for a hold. */
const holdNotice = v.object({ kind: v.literal("hold"), machine: v.object({ id: v.string() }) });

async function post(path: string, body: unknown, bearer = ""): Promise<{ status: number; body: unknown }> {
  const ca = readFileSync(join(pathsIn(join(parent, "state")).pki, "ca.pem"));
  const headers = { "content-type": "application/json", authorization: `Bearer ${bearer}` };
  const sent = request({ host: "10.77.1.1", port: 443, path, method: "POST", ca, servername: "birther", headers });
  sent.end(JSON.stringify(body));
  const response = await responseTo(sent);
  return { status: response.statusCode, body: JSON.parse((await response.toArray()).join("")) };
}

async function fetched(url: string): Promise<string> {
  const response = await responseTo(get(url));
  return (await response.toArray()).join("");
}

await insideNamespace(import.meta.url, () => {
  const ip = (...text: string[]) => execFileSync("ip", text);
  ip("link", "set", "lo", "up");
  // No port, so no carrier: the rack is not switched on yet.
  ip("link", "add", "rack0", "type", "bridge");
  ip("addr", "add", "10.77.0.1/24", "dev", "rack0");
  ip("addr", "add", "10.77.1.1/24", "dev", "rack0");
  ip("link", "set", "rack0", "up");
  const paths = pathsIn(join(parent, "state"));
  writeFakeBootFiles(join(parent, "state"));

  test("missing things are named, with the next command, and nothing is left open", async () => {
    const elsewhere = config({ serverAddress: "10.77.0.2" });
    await assert.rejects(
      startServer({ config: elsewhere, log }),
      /expected 10\.77\.0\.2 on this computer.*; ip addr add 10\.77\.0\.2\/24 dev rack0/,
    );
    await assert.rejects(
      startServer({ config: config({ interface: "eth9" }), log }),
      /expected an interface eth9, found none/,
    );
    rmSync(paths.kernel);
    await assert.rejects(
      startServer({ config: config(), log }),
      /vmlinuz is missing; build the Bootstrap Image: birther image build/,
    );
    writeFileSync(paths.kernel, "a kernel");
    await (await startServer({ config: config(), log }))[Symbol.asyncDispose]();
  });

  test("a second server on the same state directory is refused, the first continues", async () => {
    await using _first = await startServer({ config: config(), log });
    await assert.rejects(startServer({ config: config(), log }), /another server uses this state directory/);
    assert.equal(await fetched("http://10.77.0.1/vmlinuz"), "a kernel");
  });

  test("a webhook receives signed events; without its secret the server says how to make one", async () => {
    const taken: { headers: IncomingHttpHeaders; body: string }[] = [];
    const heard = Promise.withResolvers<void>();
    await using receiver = createServer(async (asked, answer) => {
      taken.push({ headers: asked.headers, body: (await asked.toArray()).join("") });
      answer.writeHead(204).end();
      heard.resolve();
    }).listen(8099, "127.0.0.1");
    await once(receiver, "listening");
    const secretFile = join(parent, "secret");
    const watch = { webhooks: [{ url: "http://127.0.0.1:8099/", secretFile }] };
    await assert.rejects(startServer({ config: config({}, { watch }), log }), /secret.*openssl rand -base64 32\)" > /);
    const secret = `whsec_${randomBytes(32).toString("base64")}`;
    writeFileSync(secretFile, `${secret}\n`);
    await using server = await startServer({ config: config({}, { watch }), log });
    const other = macOf("02:00:00:00:00:08");
    const asked = { kind: "pxeAsked", mac: other, firmware: "bios", network: "rack", nursery: true } as const;
    await server.store.apply({ ...asked, stage: "firmware", answer: "loader" });
    const id = server.store.byMac(other)?.id ?? assert.fail();
    await server.store.apply({ kind: "conditionSet", id, condition: "hold", reason: "r" });
    await heard.promise;
    const [call] = taken;
    const headers = Object.entries(call?.headers ?? {}).map(([name, value]) => [name, String(value)]);
    const notice = v.parse(holdNotice, new Webhook(secret).verify(call?.body ?? "", Object.fromEntries(headers)));
    assert.equal(notice.machine.id, id);
  });

  test("exports: readiness, metrics of the served files, the Dominator's MDB as a file and a URL", async () => {
    const dominatorMdbFile = join(parent, "mdb.json");
    const exports = { dominatorMdbFile, dominatorMdbByHttp: true };
    await using server = await startServer({ config: config({}, { exports }), log });
    const asked = async (path: string) => {
      const response = await responseTo(plainRequest({ socketPath: server.operatorSocket, path }).end());
      return { status: response.statusCode, text: (await response.toArray()).join("") };
    };
    assert.deepEqual(await asked("/healthz"), { status: 200, text: '{"alive":true}' });
    const ready = await asked("/readyz");
    assert.deepEqual([ready.status, JSON.parse(ready.text).ready], [200, true], ready.text);
    assert.equal(await fetched("http://10.77.0.1/vmlinuz"), "a kernel");
    await fetched("http://10.77.0.1/nothing");
    const { text } = await asked("/metrics");
    assert.match(text, /^birther_http_answers_total\{status="200"\} 1$/m);
    assert.match(text, /^birther_http_answers_total\{status="404"\} 1$/m);
    assert.match(text, /^birther_pool_addresses\{network="rack"\} 201$/m);
    assert.match(text, /^birther_network_served\{network="rack"\} 1$/m);
    assert.equal(readFileSync(dominatorMdbFile, "utf8"), await fetched("http://10.77.0.1/exports/dominator.json"));
    rmSync(paths.kernel);
    const unready = await asked("/readyz");
    assert.equal(unready.status, 503);
    assert.match(unready.text, /"boot files","ok":false,"fault":"missing: [^"]*vmlinuz","next":"restart the server/);
    writeFileSync(paths.kernel, "a kernel");
  });

  test("operators on other machines: TLS by our own authority on a separate port, and a token", async () => {
    await using server = await startServer({ config: config(), log });
    const body = JSON.stringify({ name: "grafana", role: "viewer" });
    const headers = { "content-type": "application/json" };
    const { operatorSocket: socketPath } = server;
    const made = plainRequest({ socketPath, path: "/v1/tokens", method: "POST", headers }).end(body);
    const created = await responseTo(made);
    const { token } = JSON.parse((await created.toArray()).join(""));
    const ca = readFileSync(join(paths.pki, "ca.pem"));
    const asked = async (path: string, method: string, bearer: string) => {
      const authorization = `Bearer ${bearer}`;
      const sent = request({ host: "10.77.0.1", port: 8443, path, method, ca, headers: { authorization } }).end();
      const response = await responseTo(sent);
      return { status: response.statusCode, body: JSON.parse((await response.toArray()).join("")) };
    };
    const list = await asked("/v1/machines", "GET", token);
    assert.deepEqual([list.status, list.body.machines.length], [200, server.store.list().length]);
    assert.equal((await asked("/v1/machines", "GET", "guess")).status, 401);
    assert.equal((await asked("/v1/tokens", "GET", token)).status, 403);
    assert.equal((await asked(machinePaths.order, "POST", token)).status, 404, "machines' routes are elsewhere");
    assert.ok(!lines.join("\n").includes(token.split(".")[2]), "no token in the log");
  });

  test("script, order, reports, healthy, sub: one machine through all rooms; a restart loses nothing", async () => {
    let subToken = "";
    {
      await using server = await startServer({ config: config(), log });
      const { store } = server;
      const asked = { kind: "pxeAsked", mac, firmware: "bios", network: "rack", nursery: true } as const;
      await store.apply({ ...asked, address: ipv4("10.77.0.50"), stage: "loader", answer: "script" });
      const script = await fetched(`http://10.77.0.1/boot/${mac}.ipxe`);
      const token = /birther\.token=([0-9a-f]{64})/.exec(script)?.[1] ?? assert.fail(script);
      assert.match(script, /birther\.mdb=10\.77\.0\.1:443/);
      const answer = await post(machinePaths.order, { token, mac, bootId: "b", firmware: "bios" });
      const order = v.parse(orderAnswer, answer.body);
      const placement = { switchName: "tor-1", port: "swp7", position: {}, hostname: "r01u07", address: "10.77.1.71" };
      const items = [
        { kind: "placed", placement },
        { kind: "phase", phase: "populated", durationMs: 5 },
      ];
      assert.equal((await post(machinePaths.report, { items }, order.session)).status, 200);
      const storage = {
        rootDisk: { path: "/dev/vda", serial: "", sizeBytes: 1, why: "only" },
        encryption: { kind: "none", reason: "test" },
      };
      const wish = { generation: 1, hostname: "r01u07", address: "10.77.1.71", image: "compute", placement, storage };
      subToken = v.parse(healthyAnswer, (await post(machinePaths.healthy, wish, order.session)).body).subToken;
    }
    await using again = await startServer({ config: config(), log });
    const machine = again.store.find("r01u07") ?? assert.fail("forgotten");
    assert.deepEqual([machine.state, machine.pxe.requests, machine.phase], ["healthy", 1, "populated"]);
    const bootScript = () => fetched(`http://10.77.1.1/boot/${mac}.ipxe`);
    assert.match(await bootScript(), /birther\.token=/, "until it runs an image, it resumes its birth");
    const poll = {
      ...{ machineId: machine.id, running: "birth", kernel: "6.1", rebootPending: false },
      ...{ secondsSinceCheck: 0, freeBytes: 1 },
    };
    const directive = await post(machinePaths.subPoll, poll, subToken);
    assert.deepEqual([directive.status, (directive.body as { kind: string }).kind], [200, "wait"], lines.join("\n"));
    assert.equal((await post(machinePaths.subPoll, poll, "guess")).status, 401);
    assert.equal((await post(machinePaths.subPoll, { ...poll, running: "image" }, subToken)).status, 200);
    assert.match(await bootScript(), /sanboot|exit/);
    assert.equal(again.store.find("r01u07")?.order, undefined, "the session of the birth has ended");

    const sent = plainRequest({ socketPath: again.operatorSocket, path: "/v1/machines/r01u07" }).end();
    const response = await responseTo(sent);
    assert.equal(JSON.parse((await response.toArray()).join("")).hostname, "r01u07");
  });
});
