import assert from "node:assert/strict";
import { hash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect as connectPlainly, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { credentialFor } from "../../src/contract/credential.ts";
import { writePackIndex } from "../../src/core/image/pack-index.ts";
import type { Machine, MachineId, MachineIn } from "../../src/core/machine/record.ts";
import { testMachine } from "../../src/core/machine/testing/test-machine.ts";
import { tlsHeaders } from "../../src/core/network/security-headers.ts";
import { type Origin, openOrigin } from "../../src/dominator/origin/origin.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { sha512Of } from "../../src/dominator/storage/sha512.ts";
import { rightOf } from "../../src/dominator/sub/right.ts";
import { type Authority, issue, makeAuthority } from "../native/certificates.ts";
import { childrenOf } from "../support/children.ts";
import { freePort } from "../support/free-port.ts";
import { waitFor } from "../support/inside-namespace.ts";
import { originEngines } from "../support/origin-engines.ts";
import { responseTo } from "../support/response-to.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-confidential-origin-"));
const program = new URL("../../src/main/server/origin-program.ts", import.meta.url);
const streams = join(directory, "confidential");
const connectionsPerAddress = 8;
/** Of one address; the tests of an engine send a few hundred. */
const requestsPerMinute = 600;
let authority: Authority;
let runs = 0;

/** A pack with one content. */
type Packed = { readonly content: Buffer; readonly sha512: string; readonly pack: string };

function writePack(store: string, content: Buffer): Packed {
  const sha512 = sha512Of(content);
  const index = writePackIndex([{ sha512, offset: 0, size: content.length }]);
  const pack = sha512Of(index);
  mkdirSync(join(store, "packs"), { recursive: true });
  writeFileSync(join(store, "packs", pack), content);
  writeFileSync(join(store, "packs", `${pack}.index`), index);
  return { content, sha512, pack };
}

const own = writePack(join(streams, "compute"), randomFillSync(Buffer.alloc(3 << 20)));
const others = writePack(join(streams, "vault"), Buffer.from("the key of the database"));
const open = writePack(join(directory, "objects"), Buffer.from("public"));
const manifests = { own: "", others: "", open: "" };

before(async () => {
  authority = await makeAuthority("test CA");
  await writeCertificate();
  const images = await openImageStore(join(directory, "images"), { log: () => undefined });
  const facts = { createdAtMs: 1, source: "sketch", filter: [], attributes: true } as const;
  const tree = { inodes: [], entries: [] };
  const add = async (stream: string, confidential: { confidential?: true }) =>
    (await images.add(stream, { ...facts, ...confidential, tree })).manifest.sha512;
  manifests.own = await add("compute", { confidential: true });
  manifests.others = await add("vault", { confidential: true });
  manifests.open = await add("storage", {});
});
after(() => rmSync(directory, { recursive: true }));

async function writeCertificate(): Promise<void> {
  const { cert, key } = await issue(authority, "birther");
  writeFileSync(join(directory, "server.pem"), cert);
  writeFileSync(join(directory, "server.key"), key);
}

const ids = ["m-525400b10001", "m-525400b10002", "m-525400b10003"].map((id) => id as MachineId);
const credentials = ids.map((id, n) => credentialFor(id, `${n + 1}`.repeat(64)));
const [token = "", othersToken = "", publicToken = ""] = credentials;

function machineOf(n: number, requiredImage: string): MachineIn<"healthy"> {
  return testMachine("healthy", {
    ...{ id: ids[n] ?? assert.fail(), requiredImage, phase: "handedOver" },
    subTokenHash: hash("sha256", credentials[n] ?? ""),
  });
}

function machinesNow(): Map<string, Machine> {
  const made = [machineOf(0, "compute/1"), machineOf(1, "vault/1"), machineOf(2, "storage/1")];
  return new Map(made.map((machine) => [machine.id, machine]));
}

type Asked = {
  readonly token?: string | undefined;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: { readonly [name: string]: string };
};
type Answer = { readonly status: number; readonly body: Buffer; readonly headers: NodeJS.Dict<string | string[]> };
type Rig = AsyncDisposable & {
  readonly origin: Origin;
  readonly port: number;
  readonly machines: Map<string, Machine>;
  readonly lines: string[];
  readonly ask: (path: string, asked?: Asked) => Promise<Answer>;
};

async function rig(options: {
  readonly nginx: string | undefined;
  readonly port?: number;
  readonly perMinute?: number;
}): Promise<Rig> {
  const { nginx, port = await freePort(), perMinute = requestsPerMinute } = options;
  const lines: string[] = [];
  const machines = machinesNow();
  runs += 1;
  const store = { get: (id: MachineId) => machines.get(id), unreadableWith: () => undefined };
  const origin = await openOrigin({
    ...{ addresses: ["127.0.0.1"], port, nginx, program, connectionsPerAddress },
    ...{ objects: join(directory, "objects"), images: join(directory, "images") },
    directory: join(directory, `run-${runs}`),
    confidential: {
      ...{ streams, requestsPerMinute: perMinute },
      tls: { certificate: join(directory, "server.pem"), key: join(directory, "server.key") },
      rightOf: (authorization) => rightOf(authorization, store),
    },
    log: (level, message, facts = {}) => lines.push(`${level} ${message} ${JSON.stringify(facts)}`),
  });
  return {
    ...{ origin, port, machines, lines },
    ask: (path, asked = {}) => ask(port, path, { token, ...asked }),
    [Symbol.asyncDispose]: async () => await origin[Symbol.asyncDispose](),
  };
}

async function ask(port: number, path: string, asked: Asked): Promise<Answer> {
  const { token: credential, method = asked.body === undefined ? "GET" : "POST", body, headers = {} } = asked;
  const authorization = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
  const sent = request({
    ...{ host: "127.0.0.1", port, path, method, agent: false, ca: authority.pem, servername: "birther" },
    headers: { ...authorization, ...headers },
  });
  sent.end(body);
  const response = await responseTo(sent);
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

for (const { servedBy, nginx } of originEngines)
  describe(`confidential contents served by ${servedBy}`, () => {
    let running: Rig;
    let unfinished: Promise<unknown>;
    before(async () => {
      running = await rig({ nginx: nginx() });
      assert.equal(running.origin.servedBy(), servedBy, running.lines.join("\n"));
      unfinished = Promise.all([shy(running.port), slow(running.port)]);
    });
    after(() => running[Symbol.asyncDispose]());

    const packed = `/packs/${own.pack}`;
    const part = own.content.subarray(1000, 2000);
    const rows: readonly (readonly [
      title: string,
      path: string,
      asked: Asked,
      status: number | readonly number[],
      body?: Buffer | string,
    ])[] = [
      ["a pack of its stream", packed, {}, 200, own.content],
      ["a part of it", packed, { headers: { range: "bytes=1000-1999" } }, 206, part],
      ["its end", packed, { headers: { range: `bytes=${(3 << 20) - 2}-` } }, 206, own.content.subarray(-2)],
      ["its head", packed, { method: "HEAD" }, 200, ""],
      ["an object", `/objects/${own.sha512}`, {}, 200, own.content],
      ["the rest of one", `/objects/${own.sha512}`, { headers: { range: "bytes=1000-1999" } }, 206, part],
      ["a public object", `/objects/${open.sha512}`, {}, 200, "public"],
      ["many", "/objects", { body: `${open.sha512}\n` }, 200, `${open.sha512} 6\npublic`],
      ["no name of an object", "/objects", { body: "../../etc/passwd\n" }, 400],
      ["beyond the end of a pack", packed, { headers: { range: `bytes=${3 << 20}-` } }, 416],
      ["a pack that is not there", `/packs/${"0".repeat(128)}`, {}, 404],
      ["a public pack", `/packs/${open.pack}`, {}, 404],
      ["the pack of another stream", `/packs/${others.pack}`, {}, 404],
      ["the object of another stream", `/objects/${others.sha512}`, {}, 404],
      ["it among others", "/objects", { body: `${own.sha512}\n${others.sha512}\n` }, 404],
      ["the path behind nginx", `/streams/compute/packs/${own.pack}`, {}, 404],
      ["that of another stream", `/streams/vault/packs/${others.pack}`, {}, 404],
      ["a path that leads out", `/packs/..%2f..%2fvault/packs/${others.pack}`, {}, [400, 404]],
      ["a pack with POST", packed, { body: "" }, 405],
      ["another machine's pack with its own credential", packed, { token: othersToken }, 404],
      ["a pack with the credential of a machine of a public stream", packed, { token: publicToken }, 404],
    ];
    for (const [title, path, asked, status, body] of rows)
      test(title, async () => {
        const answer = await running.ask(path, asked);
        assert.ok([status].flat().includes(answer.status), `${answer.status}: ${answer.body.toString().slice(0, 300)}`);
        if (body !== undefined) assert.deepEqual(answer.body, Buffer.from(body));
        else assert.ok(!answer.body.includes("key of the database"));
        if (answer.status > 206) return;
        assert.equal(answer.headers["cache-control"], "no-store");
        assert.equal(answer.headers["x-accel-redirect"], undefined);
        const expected = servedBy === "nginx" && !path.startsWith("/packs") ? {} : tlsHeaders;
        for (const [name, value] of Object.entries(expected)) assert.equal(answer.headers[name], value, name);
      });

    test("manifests: public ones and those of its stream", async () => {
      const statuses = [];
      for (const sha512 of Object.values(manifests)) statuses.push((await running.ask(`/manifests/${sha512}`)).status);
      assert.deepEqual(statuses, [200, 404, 200]);
    });

    test("nobody without a valid credential gets anything", async () => {
      const paths = [packed, `/objects/${own.sha512}`, `/objects/${open.sha512}`, `/manifests/${manifests.own}`];
      const wrong = [
        ...[undefined, "", "null", `${ids[0]}.`, `${ids[0]}.${"0".repeat(64)}`, `${ids[0]}.${"2".repeat(64)}`],
        ...[`m-525400b1ffff.${"1".repeat(64)}`, token.toUpperCase(), `${token}0`, token.slice(0, -1)],
      ];
      for (const path of paths)
        for (const forged of wrong) {
          const answer = await running.ask(path, { token: forged });
          assert.equal(answer.status, 401, `${path} with ${forged}`);
        }
      const batch = await running.ask("/objects", { token: undefined, body: own.sha512 });
      assert.equal(batch.status, 401);
      // The header by which nginx names the client decides nothing.
      const posing = await running.ask(packed, { token: undefined, headers: { "x-real-ip": "127.0.0.1" } });
      assert.equal(posing.status, 401);
    });

    test("the right ends at once: hold, rebirth, another stream, another credential, retirement", async () => {
      const { machines, ask: askIt } = running;
      const id = ids[0] ?? assert.fail();
      const machine = machineOf(0, "compute/1");
      const hold = { condition: { kind: "hold", reason: "suspected", sinceMs: 0 } } as const;
      const changes: readonly (readonly [Machine | undefined, number])[] = [
        [{ ...machine, conditions: [hold.condition] }, 403],
        [testMachine("rebirth", { id, subTokenHash: hash("sha256", token) }), 403],
        [{ ...machine, requiredImage: "vault/1" }, 404],
        [{ ...machine, subTokenHash: hash("sha256", "another") }, 401],
        [undefined, 401],
      ];
      for (const [changed, status] of changes) {
        if (changed === undefined) machines.delete(id);
        else machines.set(id, changed);
        assert.equal((await askIt(packed)).status, status);
        machines.set(id, machine);
        assert.equal((await askIt(packed)).status, 200);
      }
    });

    test("one over plain HTTP gets nothing", async () => {
      const socket = connectPlainly(running.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(`GET ${packed} HTTP/1.1\r\nhost: birther\r\nauthorization: Bearer ${token}\r\n\r\n`);
      const answer = await buffer(socket).catch(() => Buffer.alloc(0));
      assert.ok(!answer.includes(own.content.subarray(0, 100)) && !answer.toString("latin1").includes(" 200 "));
    });

    test("abuse of ranges and odd requests are answered, and others are served", async () => {
      const ranges = [
        "bytes=0-0,2-2,4-4",
        `bytes=${"0-,".repeat(1000)}0-`,
        "bytes=-0",
        "bytes=9-1",
        "bytes=x",
        "lines=1",
      ];
      for (const range of ranges) {
        const answer = await running.ask(packed, { headers: { range } });
        assert.ok([200, 206, 400, 416].includes(answer.status), `${range.slice(0, 30)}: ${answer.status}`);
        assert.ok(answer.body.length <= own.content.length);
      }
      for (const path of [`/packs/${"a".repeat(9000)}`, "/packs/", "/packs/%00", "/alive/../packs/x", "//packs/x"]) {
        const answer = await running.ask(path);
        assert.ok(answer.status >= 400 && answer.status < 500, `${path.slice(0, 40)}: ${answer.status}`);
      }
      const large = await running.ask("/objects", { body: `${own.sha512}\n`.repeat(110_000) }).catch(() => undefined);
      assert.ok(large === undefined || large.status === 400 || large.status === 413, `${large?.status}`);
      assert.equal((await running.ask(packed)).status, 200);
    });

    test("heads and handshakes that are not finished end", { timeout: 60_000 }, async () => {
      await unfinished;
    });

    test("its process is killed and serves again", async () => {
      const before = running.lines.length;
      process.kill(childOf("origin-program"), "SIGKILL");
      await waitFor(
        "the log says it",
        30,
        () => running.lines.slice(before).join().includes("started again") || undefined,
      );
      await waitFor("it serves again", 30, async () =>
        running.origin.servedBy() === servedBy && (await running.ask(packed).catch(() => undefined))?.status === 200
          ? true
          : undefined,
      );
    });
  });

/** Resolves when a client that says nothing has lost its connection. */
async function shy(port: number): Promise<void> {
  const socket = connectPlainly(port, "127.0.0.1").on("error", () => undefined);
  await new Promise((resolve) => socket.resume().once("close", resolve));
}

/** The same for one that does not finish its head. */
async function slow(port: number): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port, ca: authority.pem, servername: "birther" });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  socket.write("GET / HTTP/1.1\r\nx: ");
  await new Promise((resolve) => socket.resume().once("close", resolve));
}

/** A child of this process whose command contains a word. */
function childOf(word: string): number {
  return childrenOf(process.pid, word)[0] ?? assert.fail(`expected a child ${word}`);
}

for (const { servedBy, nginx } of originEngines)
  test(`an address that asks too often is told to come back, by ${servedBy}`, async () => {
    // Few enough that a hundred requests are too many even if they take minutes.
    await using running = await rig({ nginx: nginx(), perMinute: 10 });
    const statuses = new Map<number, number>();
    for (let n = 0; n < 100; n += 1) {
      const { status, headers } = await running.ask("/objects/x", { token: undefined });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 429) assert.ok(Number(headers["retry-after"]) >= 1);
    }
    assert.deepEqual([...statuses.keys()], [401, 429]);
    assert.equal(running.lines.filter((line) => line.includes("too many requests")).length, 1);
  });

test("a port that another program has is named with what to do", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : assert.fail();
  await using running = await rig({ nginx: undefined, port });
  assert.equal(running.origin.servedBy(), undefined);
  assert.match(
    running.lines.join("\n"),
    /error confidential images have no port.*ports\.confidential.*ports\.machines/,
  );
  other.close();
});
