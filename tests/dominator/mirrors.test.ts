import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findNginx } from "../../src/dominator/origin/nginx.ts";
import { freePort } from "../support/free-port.ts";
import { waitFor } from "../support/inside-namespace.ts";
import { originEngines } from "../support/origin-engines.ts";
import { publicOrigin } from "./fixture-origin.ts";
import { listening, packAt } from "./pack-server.ts";
import { type SubFixture, startSubFixture } from "./sub-fixture.ts";

/** Contents that are worth a stream, and small ones beside them. */
const large = (mark: string) => `${mark} `.repeat(300_000);
const sketch = (mark: string) => ({
  "usr/bin/one": large(`one ${mark}`),
  "usr/bin/two": large(`two ${mark}`),
  "usr/share/small": `small ${mark}`,
  "boot/efi/": "",
});

async function isInPlace({ root }: SubFixture, mark: string): Promise<void> {
  for (const [path, text] of Object.entries(sketch(mark)))
    if (text !== "") assert.equal(readFileSync(join(root, path), "utf8"), text, path);
}

for (const { servedBy, nginx } of originEngines)
  test(`an agent takes an image as streams from the origin, served by ${servedBy}`, async () => {
    await using sub = await startSubFixture();
    await using origin = await publicOrigin(sub, nginx());
    sub.sources.push({ port: origin.port });
    await sub.importSketch(sketch("a"), []);
    // Only the origin has them now: nothing else could give what the agent gets.
    for (const { sha512 } of await contentsOf(sub)) sub.forge.add(sha512);
    const { stdout } = await sub.runAgent();
    await isInPlace(sub, "a");
    assert.doesNotMatch(stdout, /failed/);
  });

async function contentsOf({ objects }: SubFixture) {
  const names: { readonly sha512: string }[] = [];
  for await (const sha512 of objects.names()) names.push({ sha512 });
  return names;
}

test("a real cache in front: the first machine fills it, and the next one gets what it has", async () => {
  await using sub = await startSubFixture();
  await using origin = await publicOrigin(sub, findNginx());
  await using cache = await startCache(origin.port);
  sub.sources.push({ address: "127.0.0.1", port: cache.port, path: "/images" }, { port: origin.port });
  await sub.importSketch(sketch("a"), []);
  await sub.runAgent();
  await isInPlace(sub, "a");
  // nginx writes its line after the agent has the answer.
  const logs = (what: RegExp) => waitFor(`${what} in the cache's log`, 60, () => what.test(cache.log()) || undefined);
  await logs(/MISS/);
  assert.doesNotMatch(cache.log(), /HIT/);
  // The same contents again, as a machine without them would fetch them.
  rmSync(join(sub.root, "usr/bin"), { recursive: true });
  await sub.importSketch({ ...sketch("a"), "usr/share/other": "new" }, []);
  await sub.runAgent();
  await isInPlace(sub, "a");
  await logs(/HIT/);
});

/** nginx as a cache of the whole origin, below /images. */
async function startCache(origin: number) {
  const directory = mkdtempSync(join(tmpdir(), "birther-cache-"));
  const port = await freePort();
  for (const name of ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]) mkdirSync(join(directory, name));
  writeFileSync(
    join(directory, "nginx.conf"),
    `daemon off; master_process off; pid nginx.pid; error_log stderr;
events {}
http {
  log_format cached "$status $upstream_cache_status $request"; access_log access.log cached;
  client_body_temp_path client_body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  proxy_cache_path cache keys_zone=packs:1m;
  server {
    listen 127.0.0.1:${port};
    location /images/ { proxy_pass http://127.0.0.1:${origin}/; proxy_cache packs; proxy_cache_lock on; }
  } }\n`,
  );
  const child = spawn(
    findNginx() ?? assert.fail("nginx is needed"),
    ["-p", `${directory}/`, "-e", "stderr", "-c", "nginx.conf"],
    {
      stdio: "inherit",
    },
  );
  await waitFor("the cache", 60, () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => undefined,
    ),
  );
  return {
    port,
    log: () => readFileSync(join(directory, "access.log"), "utf8"),
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}

describe("a mirror at fault costs seconds, and the image comes from the origin", () => {
  type Mirror = (request: IncomingMessage, response: ServerResponse, whole: Buffer) => void;
  const partial = (response: ServerResponse, request: IncomingMessage, length?: number) => {
    const [from = "0", to = "0"] = (request.headers.range ?? "").replace("bytes=", "").split("-");
    const headers = {
      "content-range": `bytes ${from}-${to}/*`,
      "content-length": length ?? Number(to) - Number(from) + 1,
    };
    response.writeHead(206, headers);
    return { from: Number(from), to: Number(to) + 1 };
  };
  const rows: readonly (readonly [title: string, mirror: Mirror, fault: RegExp])[] = [
    [
      "lying",
      (request, response, whole) => {
        const { from, to } = partial(response, request);
        response.end(whole.subarray(from, to).map((byte) => byte ^ 1));
      },
      /SHA-512|expected/,
    ],
    [
      "lying in its last byte",
      (request, response, whole) => {
        const { from, to } = partial(response, request);
        const bytes = Buffer.from(whole.subarray(from, to));
        bytes[bytes.length - 1] = 0;
        response.end(bytes);
      },
      /SHA-512|expected/,
    ],
    [
      "slow",
      async (request, response, whole) => {
        const { from, to } = partial(response, request);
        for (let at = from; at < to && !response.destroyed; at += 1000) {
          response.write(whole.subarray(at, at + 1000));
          await sleep(100);
        }
      },
      /bytes a second, less than/,
    ],
    [
      "silent",
      (request, response) => {
        partial(response, request);
        response.write("1");
      },
      /no byte within/,
    ],
    [
      "truncated",
      (request, response, whole) => {
        const { from } = partial(response, request);
        response.write(whole.subarray(from, from + 100_000), () => response.destroy());
      },
      /closed the connection|ECONNRESET|read/,
    ],
    [
      "endless with other bytes",
      async (_, response) => {
        response.writeHead(200);
        for (const piece = Buffer.alloc(1 << 20); !response.destroyed; )
          if (!response.write(piece)) await Promise.race([once(response, "drain"), once(response, "close")]);
      },
      /SHA-512|expected/,
    ],
    [
      "with a head without end",
      async (_, response) => {
        response.socket?.write("HTTP/1.1 200 OK\r\n");
        while (response.socket?.destroyed === false) {
          response.socket.write("a: b\r\n".repeat(1000));
          await sleep(10);
        }
      },
      /head of at most/,
    ],
    [
      "with another part",
      (_, response) => {
        response.writeHead(206, { "content-range": "bytes 7-8/9", "content-length": 2 });
        response.end("ab");
      },
      /expected the bytes from/,
    ],
    ["that has nothing", (_, response) => void response.writeHead(404).end("none"), /status 404/],
    ["that redirects", (_, response) => void response.writeHead(302, { location: "/" }).end(), /status 302/],
  ];
  for (const [title, mirror, fault] of rows)
    test(title, async () => {
      await using sub = await startSubFixture();
      await using origin = await publicOrigin(sub, findNginx());
      let asked = 0;
      const server = createServer((request, response) => {
        asked += 1;
        mirror(request, response, packAt(sub, request));
      });
      await using at = await listening(server);
      sub.sources.push({ address: "127.0.0.1", port: at.port }, { port: origin.port });
      await sub.importSketch(sketch("a"), []);
      for (const { sha512 } of await contentsOf(sub)) sub.forge.add(sha512);
      const { stdout } = await sub.runAgent();
      await isInPlace(sub, "a");
      assert.equal(asked, 1, "a mirror at fault is left alone");
      assert.match(stdout, /a server of packs failed/);
      assert.match(stdout, fault);
    });

  test("dead", async () => {
    await using sub = await startSubFixture();
    await using origin = await publicOrigin(sub, findNginx());
    sub.sources.push({ address: "127.0.0.1", port: await freePort() }, { port: origin.port });
    await sub.importSketch(sketch("a"), []);
    const { stdout } = await sub.runAgent();
    await isInPlace(sub, "a");
    assert.match(stdout, /a server of packs failed.*refused/i);
  });

  test("one that knows no ranges, and one that goes on after the end, are used", async () => {
    await using sub = await startSubFixture();
    let asked = 0;
    const server = createServer(async (request, response) => {
      asked += 1;
      response.writeHead(200);
      response.write(packAt(sub, request));
      for (const piece = Buffer.alloc(1 << 16); !response.destroyed; )
        if (!response.write(piece)) await Promise.race([once(response, "drain"), once(response, "close")]);
    });
    await using at = await listening(server);
    sub.sources.push({ address: "127.0.0.1", port: at.port });
    await sub.importSketch(sketch("a"), []);
    const { stdout } = await sub.runAgent();
    await isInPlace(sub, "a");
    assert.ok(asked > 0);
    assert.doesNotMatch(stdout, /a server of packs failed/);
  });

  test("no server of packs at all: everything comes from the server's other port", async () => {
    await using sub = await startSubFixture();
    sub.sources.push({ port: await freePort() });
    await sub.importSketch(sketch("a"), []);
    await sub.runAgent();
    await isInPlace(sub, "a");
  });

  test("a truncated pack on the server is named, and is not placed", async () => {
    await using sub = await startSubFixture();
    await using origin = await publicOrigin(sub, findNginx());
    sub.sources.push({ port: origin.port });
    await sub.importSketch(sketch("a"), []);
    const packs = join(sub.directories.objects, "packs");
    // After the agent was told what to fetch.
    sub.beforeDirective("fetch", () => {
      for (const name of readdirSync(packs)) if (!name.endsWith(".index")) truncateSync(join(packs, name), 1_000_000);
    });
    const { stdout } = await sub.runAgent();
    assert.match(stdout, /a server of packs failed/);
    assert.throws(() => readFileSync(join(sub.root, "usr/bin/two")), /ENOENT/);
  });
});
