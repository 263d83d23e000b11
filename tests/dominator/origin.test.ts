import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { writePackIndex } from "../../src/core/image/pack-index.ts";
import { securityHeaders } from "../../src/core/network/security-headers.ts";
import { type Origin, openOrigin } from "../../src/dominator/origin/origin.ts";
import { sha512Of } from "../../src/dominator/storage/sha512.ts";
import { childrenOf } from "../support/children.ts";
import { freePort } from "../support/free-port.ts";
import { waitFor } from "../support/inside-namespace.ts";
import { originEngines } from "../support/origin-engines.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-origin-"));
const content = Buffer.from("0123456789".repeat(5000));
const sha512 = sha512Of(content);
const index = writePackIndex([{ sha512, offset: 0, size: content.length }]);
const pack = sha512Of(index);
const secret = sha512Of(Buffer.from("confidential"));
const program = new URL("../../src/main/server/origin-program.ts", import.meta.url);
let runs = 0;

before(() => {
  const packs = join(directory, "objects/packs");
  mkdirSync(packs, { recursive: true });
  mkdirSync(join(directory, "images"));
  writeFileSync(join(packs, pack), content);
  writeFileSync(join(packs, `${pack}.index`), index);
  const confidential = join(directory, "confidential-objects/compute/packs");
  mkdirSync(confidential, { recursive: true });
  writeFileSync(join(confidential, secret), "confidential");
  writeFileSync(join(confidential, `${secret}.index`), "confidential");
});
after(() => rmSync(directory, { recursive: true }));

type Line = { readonly level: string; readonly message: string; readonly facts: string };
type Rig = AsyncDisposable & {
  readonly origin: Origin;
  readonly port: number;
  readonly lines: readonly Line[];
  readonly ask: (path: string, init?: RequestInit) => Promise<Response>;
};

async function rig(options: { readonly nginx: string | undefined; readonly port?: number }): Promise<Rig> {
  const { nginx, port = await freePort() } = options;
  const lines: Line[] = [];
  runs += 1;
  const origin = await openOrigin({
    ...{ addresses: ["127.0.0.1"], port, nginx, program, connectionsPerAddress: 4 },
    ...{ objects: join(directory, "objects"), images: join(directory, "images") },
    directory: join(directory, `run-${runs}`),
    log: (level, message, facts = {}) => lines.push({ level, message, facts: JSON.stringify(facts) }),
  });
  return {
    ...{ origin, port, lines },
    ask: (path, init = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { connection: "close", ...init.headers } }),
    [Symbol.asyncDispose]: async () => await origin[Symbol.asyncDispose](),
  };
}

for (const { servedBy, nginx } of originEngines)
  describe(`images served by ${servedBy}`, () => {
    let running: Rig;
    before(async () => {
      running = await rig({ nginx: nginx() });
      assert.equal(running.origin.servedBy(), servedBy);
    });
    after(() => running[Symbol.asyncDispose]());

    const etag = `"${pack}"`;
    const packed = `/packs/${pack}`;
    const rows: readonly {
      readonly title: string;
      readonly path: string;
      readonly init?: RequestInit;
      readonly status: number;
      readonly body?: Buffer | string;
    }[] = [
      { title: "a whole pack", path: packed, status: 200, body: content },
      { title: "its index", path: `${packed}.index`, status: 200, body: index },
      { title: "its head", path: packed, init: { method: "HEAD" }, status: 200, body: "" },
      {
        ...{ title: "a part", path: packed, init: { headers: { range: "bytes=5-8" } } },
        ...{ status: 206, body: "5678" },
      },
      { title: "its end", path: packed, init: { headers: { range: "bytes=49998-" } }, status: 206, body: "89" },
      { title: "beyond its end", path: packed, init: { headers: { range: "bytes=50000-" } }, status: 416 },
      {
        ...{ title: "a part if it is the same", path: packed, status: 206, body: "5678" },
        init: { headers: { range: "bytes=5-8", "if-range": etag } },
      },
      {
        ...{ title: "all if it is another", path: packed, status: 200, body: content },
        init: { headers: { range: "bytes=5-8", "if-range": '"other"' } },
      },
      {
        ...{ title: "nothing if the client has it", path: packed, status: 304, body: "" },
        init: { headers: { "if-none-match": etag } },
      },
      { title: "an object", path: `/objects/${sha512}`, status: 200, body: content },
      {
        ...{ title: "many objects", path: "/objects", init: { method: "POST", body: `${sha512}\n` } },
        ...{ status: 200, body: `${sha512} ${content.length}\n${content}` },
      },
      { title: "no pack of this name", path: `/packs/${"0".repeat(128)}`, status: 404 },
      { title: "a confidential pack", path: `/packs/${secret}`, status: 404 },
      { title: "a confidential index", path: `/packs/${secret}.index`, status: 404 },
      { title: "a path that leads out", path: "/packs/%2e%2e/%2e%2e/confidential-objects/compute", status: 404 },
      { title: "a method that packs do not have", path: packed, init: { method: "POST" }, status: 405 },
      { title: "a manifest that is not there", path: `/manifests/${"0".repeat(128)}`, status: 404 },
    ];
    for (const { title, path, init, status, body } of rows)
      test(title, async () => {
        const answer = await running.ask(path, init);
        const bytes = Buffer.from(await answer.arrayBuffer());
        assert.equal(answer.status, status);
        if (body !== undefined) assert.deepEqual(bytes, Buffer.from(body));
        if (status < 400 && path.startsWith("/packs"))
          assert.equal(answer.headers.get("cache-control"), "public, max-age=31536000, immutable");
        if (status < 400 && path === packed) assert.equal(answer.headers.get("etag"), etag);
        if (status < 400)
          for (const [name, value] of Object.entries(securityHeaders)) assert.equal(answer.headers.get(name), value);
      });

    test("a pack that is imported meanwhile", async () => {
      const later = Buffer.from(`later, ${servedBy}`);
      const laterIndex = writePackIndex([{ sha512: sha512Of(later), offset: 0, size: later.length }]);
      const name = sha512Of(laterIndex);
      assert.equal((await running.ask(`/packs/${name}`)).status, 404);
      writeFileSync(join(directory, "objects/packs", name), later);
      writeFileSync(join(directory, "objects/packs", `${name}.index`), laterIndex);
      const answer = await running.ask(`/packs/${name}`);
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), later);
    });

    test("what serves the port is killed, and another one takes its place", async () => {
      const [master] = childrenOf(process.pid, servedBy === "nginx" ? "nginx" : "origin-program");
      process.kill(master ?? assert.fail("expected a child"), "SIGKILL");
      await waitFor("its end is noticed", 30, () => (running.origin.servedBy() === undefined ? true : undefined));
      await waitFor("it serves again", 30, () => (running.origin.servedBy() === servedBy ? true : undefined));
      assert.equal((await running.ask(packed)).status, 200);
      assert.ok(running.lines.some(({ message }) => message.includes("started again")));
    });
  });

test("an nginx that does not start is replaced by a process of ours", async () => {
  await using running = await rig({ nginx: "/bin/false" });
  assert.equal(running.origin.servedBy(), "birther");
  assert.equal((await running.ask(`/packs/${pack}`)).status, 200);
  assert.ok(running.lines.some(({ message }) => message.startsWith("nginx does not run")));
});

test("nginx whose configuration cannot be written is replaced by a process of ours", async () => {
  // A directory of this name stands for a disk on which nothing can be written, for root as well.
  mkdirSync(join(directory, `run-${runs + 1}`, "nginx.conf"), { recursive: true });
  await using running = await rig({ nginx: originEngines[0].nginx() });
  assert.equal(running.origin.servedBy(), "birther");
  assert.ok(running.lines.some(({ facts }) => facts.includes("EISDIR")));
});

test("a port that another program has is named with what to do", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : assert.fail();
  for (const { nginx } of originEngines) {
    await using running = await rig({ nginx: nginx(), port });
    assert.equal(running.origin.servedBy(), undefined);
    const line = running.lines.find(({ level }) => level === "error");
    assert.match(line?.facts ?? "", new RegExp(`127.0.0.1:${port}.*EADDRINUSE.*ports.images`));
  }
  other.close();
});

test("a server that is killed leaves nothing behind", { timeout: 60_000 }, async (t) => {
  const port = await freePort();
  const script = `
    const { openOrigin } = await import(${JSON.stringify(new URL("../../src/dominator/origin/origin.ts", import.meta.url).href)});
    const origin = await openOrigin({
      addresses: ["127.0.0.1"], port: ${port}, connectionsPerAddress: 4,
      objects: ${JSON.stringify(join(directory, "objects"))}, images: ${JSON.stringify(join(directory, "images"))},
      directory: ${JSON.stringify(join(directory, "killed"))}, program: new URL(${JSON.stringify(program.href)}), log: () => {},
    });
    console.log(origin.servedBy());
    setInterval(() => {}, 1000);`;
  const server = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => server.kill("SIGKILL"));
  const [said] = await once(server.stdout, "data");
  assert.equal(String(said).trim(), "nginx");
  const children = [...childrenOf(server.pid ?? 0, "nginx"), ...childrenOf(server.pid ?? 0, "origin-program")];
  const workers = children.flatMap((child) => childrenOf(child, "nginx"));
  assert.ok(children.length === 2 && workers.length > 0);
  server.kill("SIGKILL");
  await waitFor("its children end", 30, () => [...children, ...workers].every((pid) => !isRunning(pid)) || undefined);
});

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}
