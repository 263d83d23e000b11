import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import type { Ipv4 } from "../../src/core/net/ipv4.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { systemClock as clock, systemRandom as random } from "../../src/main/system-ports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { type OpenStore, openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import type { Tokens } from "../../src/mdb/operator-api/caller/tokens.ts";
import { startOperatorTls } from "../../src/mdb/operator-api/server.ts";
import { asks, birthOf } from "../../src/mdb/testing/fleet.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { operatorCertificate } from "../../src/mdb/tls/operator-certificate.ts";
import { openPki } from "../../src/mdb/tls/pki.ts";
import { freePort } from "../support/free-port.ts";
import { start } from "./birther-command.ts";

type Outcome = { readonly status: number; readonly out: string; readonly err: string };

/** Runs the command as on a machine that knows only its arguments and environment of the server. */
function birther(text: readonly string[], environment: { [name: string]: string }): Promise<Outcome> {
  const entry = join(import.meta.dirname, "../../src/main/cli.ts");
  const env = {
    ...process.env,
    BIRTHER_STATE: "",
    BIRTHER_SERVER: "",
    BIRTHER_TOKEN: "",
    BIRTHER_CA: "",
    ...environment,
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", entry, ...text],
      { env },
      (error, out, err) => {
        resolve({ status: Number(error?.code ?? 0), out, err });
      },
    );
  });
}

describe("the birther command against a server on another machine", () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-remote-"));
  const life = new AsyncDisposableStack();
  const log = () => {};
  const loopback: Ipv4 = ip("127.0.0.1");
  const ca = join(parent, "pki", "ca.pem");
  let store: OpenStore;
  let tokens: Tokens;
  let server = "";
  let startTls: () => Promise<AsyncDisposable>;
  let running: AsyncDisposable;

  before(async () => {
    store = life.use(await openStore({ path: ":memory:", clock, log }));
    const callers = callersIn({ store, clock, random, log });
    tokens = callers.tokens;
    const exports = life.use(openLoneExports(store, clock));
    const app = operatorApp({
      models: modelsOf(store),
      ...{ store, clock, log, version: "test", ...callers, exports },
      ...{
        deadlineSeconds: defaultDeadlineSeconds,
        networks: () => [],
        packetsOf: () => [],
        catalogue: noCatalogue(),
        images: async () => [],
      },
      blastRadius: { machines: 10, percent: 10, perSeconds: 3600 },
      backup: backupsIn(parent, store),
    });
    const port = await freePort();
    const certificate = operatorCertificate({
      ...{ config: { addresses: [loopback], names: [] }, pki: { directory: join(parent, "pki") }, clock, log },
    });
    startTls = () => startOperatorTls({ addresses: [loopback], port, certificate, app, log });
    running = await startTls();
    life.defer(() => running[Symbol.asyncDispose]());
    server = `https://127.0.0.1:${port}`;
    for (const event of birthOf(1)) await store.apply(event);
  });
  after(async () => {
    await life.disposeAsync();
    rmSync(parent, { recursive: true });
  });
  const newToken = async (name: string, role: "viewer" | "operator" | "admin") => {
    const made = await tokens.create({ name, role, by: "test" });
    return made.kind === "created" ? made.token : assert.fail();
  };

  test("a viewer cannot change anything; an operator can, and the audit log names the operator", async () => {
    const viewer = { BIRTHER_SERVER: server, BIRTHER_CA: ca, BIRTHER_TOKEN: await newToken("eve", "viewer") };
    const looked = await birther(["machines"], viewer);
    assert.match(looked.out, /^r01u1 +healthy/m, looked.err);
    const refused = await birther(["hold", "r01u1", "-r", "x"], viewer);
    assert.match(
      refused.err,
      /expected the role operator, found viewer \(eve\)\nask an admin for a token of that role: birther tokens create/,
    );
    const file = join(parent, "token");
    writeFileSync(file, `${await newToken("olga", "operator")}\n`, { mode: 0o600 });
    const text = ["--server", server, "--ca", ca, "--token-file", file];
    const held = await birther(["hold", "r01u1", "-r", "disk swap", ...text], {});
    assert.deepEqual([held.status, held.out, held.err], [0, "r01u1: on hold\n", ""]);
    assert.match(
      (await birther(["audit", "r01u1", "-n", "1", ...text], {})).out,
      /[0-9a-f]{8} +olga +127\.0\.0\.1 +conditionSet +r01u1: disk swap$/m,
    );
    assert.equal((await birther(["tokens", "list", ...text], {})).status, 1);
  });

  test("an admin creates, lists and revokes tokens remotely; a revoked token is refused", async () => {
    const admin = { BIRTHER_SERVER: server, BIRTHER_CA: ca, BIRTHER_TOKEN: await newToken("ada", "admin") };
    const made = await birther(["tokens", "create", "ci", "--role", "viewer", "--expires", "90d"], admin);
    assert.match(made.out, /^birther\.ci\.[0-9a-f]{64}\n$/);
    assert.match(made.err, /^ci has the role viewer until 20.*; the token is shown only once:\n$/);
    assert.match((await birther(["tokens", "list"], admin)).out, /^ci +viewer +.* never +.* by ada$/m);
    const ci = { ...admin, BIRTHER_TOKEN: made.out.trim() };
    assert.equal((await birther(["machines"], ci)).status, 0);
    assert.equal((await birther(["tokens", "revoke", "ci"], admin)).out, "ci: revoked\n");
    assert.match((await birther(["machines"], ci)).err, /invalid or revoked token/);
    assert.equal((await birther(["tokens", "create", "x", "--role", "viewer", "--expires", "soon"], admin)).status, 2);
  });

  test("nothing is sent to a server that cannot be verified", async () => {
    const token = { BIRTHER_TOKEN: await newToken("vera", "viewer") };
    const unknown = await birther(["machines", "--server", server], token);
    assert.equal(unknown.status, 1);
    assert.match(
      unknown.err,
      /certificate of 127\.0\.0\.1:\d+ is not trusted .* no token was sent\nname its authority with --ca FILE/,
    );
    const foreign = await openPki({ directory: join(parent, "foreign"), clock, log });
    const foreignFile = join(parent, "foreign-ca.pem");
    writeFileSync(foreignFile, foreign.caPem);
    assert.match((await birther(["machines", "--server", server, "--ca", foreignFile], token)).err, /is not trusted/);
    assert.equal(tokens.list().find(({ name }) => name === "vera")?.lastUsedAtMs, undefined);
  });

  /** A `birther watch` of a server from now on, and the machines that it names, one after the other. */
  async function watcher(of: string) {
    const text = ["watch", "-o", "json", "--since", String(store.position()), "--server", of, "--ca", ca];
    const child = start(text, { BIRTHER_TOKEN: await newToken(`wim${store.position()}`, "viewer") });
    const ended = Promise.all([child.stderr?.setEncoding("utf8").toArray(), once(child, "exit")]);
    const lines = createInterface({ input: child.stdout ?? assert.fail() })[Symbol.asyncIterator]();
    return {
      heard: async () => {
        const { value } = await lines.next();
        return JSON.parse(value ?? assert.fail(`watch ended: ${(await ended)[0]?.join("")}`)).machine.id;
      },
      [Symbol.asyncDispose]: async () => {
        child.kill("SIGINT");
        await ended;
      },
    };
  }

  test("watch resumes at its position after a server restart: no change is missed", async () => {
    await using watch = await watcher(server);
    await store.apply(asks(11));
    assert.equal(await watch.heard(), "m-02000000000b");
    await running[Symbol.asyncDispose]();
    await store.apply(asks(12));
    running = await startTls();
    await store.apply(asks(13));
    assert.deepEqual([await watch.heard(), await watch.heard()], ["m-02000000000c", "m-02000000000d"]);
  });

  test("watch resumes after its connection was reset, as by a server whose power was cut", async () => {
    const clients: Socket[] = [];
    const relay = createServer((client) => {
      clients.push(client);
      const through = connect(Number(URL.parse(server)?.port), "127.0.0.1");
      for (const [one, other] of [
        [client, through],
        [through, client],
      ] as const)
        one
          .on("error", () => undefined)
          .on("close", () => other.destroy())
          .pipe(other);
    });
    await once(relay.listen(0, "127.0.0.1"), "listening");
    const { port } = relay.address() as AddressInfo;
    try {
      await using watch = await watcher(`https://127.0.0.1:${port}`);
      await store.apply(asks(21));
      assert.equal(await watch.heard(), "m-020000000015");
      for (const client of clients) client.resetAndDestroy();
      await store.apply(asks(22));
      assert.equal(await watch.heard(), "m-020000000016");
    } finally {
      relay.close();
    }
  });

  test("the error names the problem: no token, no https, two servers, no listener", async () => {
    const token = { BIRTHER_TOKEN: await newToken("nina", "viewer") };
    assert.match(
      (await birther(["machines", "--server", server, "--ca", ca], {})).err,
      /expected a token .*, found none\nset BIRTHER_TOKEN/,
    );
    assert.match(
      (await birther(["machines", "--server", "http://127.0.0.1"], token)).err,
      /expected https:\/\/HOST:PORT, found http:/,
    );
    const both = await birther(["machines", "--server", server, "--state", parent], token);
    assert.deepEqual([both.status, /expected one server, found two: .*\nchoose one/.test(both.err)], [2, true]);
    const nobody = await birther(["machines", "--server", `https://127.0.0.1:${await freePort()}`, "--ca", ca], token);
    assert.deepEqual([nobody.status, /no server answers at/.test(nobody.err)], [3, true]);
  });
});
