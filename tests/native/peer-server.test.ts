import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { link, mkdir, open, readFile, readlink, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { native } from "./native-program.ts";
import {
  ask,
  bodyOf,
  macOf,
  newKey,
  type PeerServer,
  partFor,
  pathOf,
  received,
  requestFor,
  restFor,
  send,
  sha512Of,
  startPeerServer,
  until,
} from "./peer-server.ts";

/** Runs with a server that accepts the key, and ends it. */
async function withServer(work: (server: PeerServer, key: string) => Promise<void>): Promise<void> {
  const server = await startPeerServer();
  const key = newKey();
  server.set(key);
  try {
    await work(server, key);
  } finally {
    await server.close();
  }
}

const lineOf = (content: Buffer): string => `${sha512Of(content)} ${content.length}\n`;
const small = Buffer.from("a small content\n");

test("answers with the contents in the order asked", async () => {
  await withServer(async ({ port, store }, key) => {
    const contents = [small, Buffer.alloc(0), randomBytes(3_000_001), Buffer.from("\n")];
    const hashes: string[] = [];
    for (const content of contents) hashes.push(await store(content));
    const { status, body } = await ask(port, requestFor(key, [...hashes, ...hashes].reverse()));
    assert.equal(status, 200);
    const expected = [...contents, ...contents].reverse().flatMap((each) => [Buffer.from(lineOf(each)), each]);
    assert.ok(body.equals(Buffer.concat(expected)));
  });
});

test("sends the rest of the first content, and the others whole", async () => {
  await withServer(async ({ port, store }, key) => {
    const large = randomBytes(3_000_001);
    const hashes = [await store(large), await store(small), await store(large)];
    const others = [Buffer.from(lineOf(small)), small, Buffer.from(lineOf(large)), large];
    for (const from of [1, 1_500_000, 3_000_000]) {
      const line = Buffer.from(`${hashes[0]} ${large.length} ${from}\n`);
      const { body } = await ask(port, restFor(key, hashes, String(from)));
      assert.ok(body.equals(Buffer.concat([line, large.subarray(from), ...others])), `from ${from}`);
    }
    // Nothing is left of it; the line tells.
    for (const from of ["0", "3000001", "999999999999999"]) {
      const { body } = await ask(port, restFor(key, hashes, from));
      assert.ok(body.equals(Buffer.concat([Buffer.from(lineOf(large)), large, ...others])), `from ${from}`);
    }
    for (const from of ["", "-1", "1 ", "0x1", "1".repeat(16)]) {
      const { status } = await ask(port, restFor(key, hashes, from).replace("1 \r", "1 2\r"));
      assert.equal(status, 400, JSON.stringify(from));
    }
  });
});

test("sends a part of the first content, and the others whole", async () => {
  await withServer(async ({ port, store }, key) => {
    const large = randomBytes(3_000_001);
    const hashes = [await store(large), await store(small)];
    const others = [Buffer.from(lineOf(small)), small];
    const parts: readonly (readonly [from: number, to: number])[] = [
      ...([
        [0, 1],
        [0, 1_000_000],
        [1, 2],
        [1_000_000, 2_000_000],
        [3_000_000, 3_000_001],
      ] as const),
      // Beyond its end, and nothing at all.
      ...([
        [3_000_000, 9_000_000],
        [7, 7],
        [8, 7],
      ] as const),
    ];
    for (const [from, to] of parts) {
      const line = Buffer.from(`${hashes[0]} ${large.length}${from === 0 ? "" : ` ${from}`}\n`);
      const { body } = await ask(port, partFor(key, hashes, { from: String(from), to: String(to) }));
      assert.ok(body.equals(Buffer.concat([line, large.subarray(from, to), ...others])), `${from} to ${to}`);
    }
    for (const to of ["", "-1", "0x1", "1".repeat(16)]) {
      const { status } = await ask(port, partFor(key, hashes, { from: "1", to }));
      assert.equal(status, 400, JSON.stringify(to));
    }
  });
});

test("serves what was placed by its second name", async () => {
  await withServer(async ({ directory, port, store }, key) => {
    const sha512 = await store(small);
    await mkdir(join(directory, "served", sha512.slice(0, 2)), { recursive: true });
    await rename(pathOf(directory, sha512), join(directory, "served", sha512.slice(0, 2), sha512.slice(2)));
    const { body } = await ask(port, requestFor(key, [sha512]));
    assert.ok(body.equals(Buffer.concat([Buffer.from(lineOf(small)), small])));
  });
});

test("serves only who knows the key or the former one, and nobody without a key", async () => {
  const server = await startPeerServer();
  try {
    const [first, second, third] = [newKey(), newKey(), newKey()];
    const hashes = [await server.store(small)];
    const statusWith = async (key: string) => (await ask(server.port, requestFor(key, hashes))).status;
    const becomes = (key: string, status: number) =>
      until(`status ${status}`, async () => (await statusWith(key)) === status);
    assert.equal(await statusWith(first), 401);
    server.set(first);
    await becomes(first, 200);
    assert.equal(await statusWith(second), 401);
    server.set(second, { former: first });
    await becomes(second, 200);
    assert.equal(await statusWith(first), 200);
    server.set(third, { former: second });
    await becomes(first, 401);
    assert.equal(await statusWith(second), 200);
    server.set("-");
    await becomes(third, 401);
    // A request under another hash's MAC, one without, and those with what only looks like one.
    server.set(first);
    await becomes(first, 200);
    const body = bodyOf(hashes);
    const mac = macOf(first, body);
    const other = bodyOf([sha512Of(Buffer.from("another"))]);
    for (const authorization of [
      "",
      `authorization: Birther-Peer ${macOf(first, other)}\r\n`,
      `authorization: Bearer ${mac}\r\n`,
      `authorization: Birther-Peer ${mac}0\r\n`,
      `authorization: Birther-Peer ${mac.slice(1)}\r\n`,
      `authorization: Birther-Peer ${mac.toUpperCase()}!\r\n`,
      `authorization: Birther-Peer ${mac}\r\nauthorization: Birther-Peer ${mac}\r\n`,
    ]) {
      const head = `POST /objects HTTP/1.1\r\n${authorization}content-length: ${body.length}\r\n\r\n`;
      assert.equal((await ask(server.port, head + body)).status, 401, authorization);
    }
  } finally {
    await server.close();
  }
});

/** Those that wait for the program's limits wait side by side. */
describe("limits of time", { concurrency: true }, () => {
  test("waits for a content that is missing or being written, then says that it does not come", async () => {
    await withServer(async ({ directory, port, store }, key) => {
      const late = Buffer.from("a content that comes late\n");
      const never = sha512Of(Buffer.from("a content that never comes"));
      const hashes = [await store(small), sha512Of(late), never, await store(small)];
      await mkdir(join(directory, "objects", sha512Of(late).slice(0, 2)), { recursive: true });
      const socket = send(port, requestFor(key, hashes));
      const answer = received(socket);
      // Its final name appears at once, and its bytes while the server looks.
      const file = await open(pathOf(directory, sha512Of(late)), "wx", 0o600);
      await file.write(late.subarray(0, 5));
      await until("a mark that the server waits", () => socket.bytesRead > 300);
      await file.write(late.subarray(5));
      await file.close();
      const text = (await answer).toString();
      const lines = text.slice(text.indexOf("\r\n\r\n") + 4).split("\n");
      const waited = (each: string) => each !== `${sha512Of(late)} ?` && each !== `${never} ?`;
      assert.deepEqual(lines.filter(waited), [
        lineOf(small).trim(),
        small.toString().trim(),
        lineOf(late).trim(),
        late.toString().trim(),
        `${never} -`,
        "",
      ]);
      assert.ok(lines.length > 6);
    });
  });

  test("opens nothing but regular files of the store", async () => {
    await withServer(async ({ directory, port, child }, key) => {
      const secret = join(directory, "..", `secret-${process.pid}`);
      await writeFile(secret, small);
      const hashes = ["aa", "bb", "cc", "dd"].map((start) => start.padEnd(128, "0"));
      const [toFile = "", toDirectory = "", fifo = "", directoryItself = ""] = hashes;
      const objects = join(directory, "objects");
      try {
        for (const start of ["aa", "cc", "dd"]) await mkdir(join(objects, start), { recursive: true });
        await symlink(secret, pathOf(directory, toFile));
        await mkdir(join(directory, "outside"));
        await writeFile(join(directory, "outside", toDirectory.slice(2)), small);
        await symlink("../outside", join(objects, "bb"));
        const make = spawn("mkfifo", [pathOf(directory, fifo)]);
        assert.deepEqual(await once(make, "exit"), [0, null]);
        await mkdir(pathOf(directory, directoryItself));
        const answers = hashes.map((hash) => ask(port, requestFor(key, [hash])));
        const bodies = (await Promise.all(answers)).map(({ body }) => body.toString().split("\n").at(-2));
        assert.deepEqual(
          bodies,
          hashes.map((hash) => `${hash} -`),
        );
        // Names that are no hashes are refused, however well they are signed.
        for (const name of ["../".repeat(42), "..", "/etc/passwd".padEnd(128, "/"), "A".repeat(128), "\0".repeat(128)])
          assert.equal((await ask(port, requestFor(key, [], `${name}\n`))).status, 400, JSON.stringify(name));
        assert.equal(child.exitCode, null);
      } finally {
        await unlink(secret);
      }
    });
  });

  test("half and slow requests end, and strangers who fill every place keep no peer out", async () => {
    await withServer(async ({ port, store }, key) => {
      const hash = await store(small);
      const whole = requestFor(key, [hash]);
      // Four of this address, which are all that it may have.
      const fourHalves = () => {
        const halves = Array.from({ length: 4 }, () => send(port, whole.slice(0, -1)));
        return { halves, ends: Promise.all(halves.map((each) => received(each))) };
      };
      let { halves, ends } = fourHalves();
      await until("no place for a fifth", async () => {
        if ((await ask(port, whole)).status === 503) return true;
        // On a busy computer, their time may be over before the fifth is there.
        if (halves.some(({ closed }) => closed)) {
          await ends;
          ({ halves, ends } = fourHalves());
        }
        return false;
      });
      // One that sends a byte now and then gains no time.
      const drip = setInterval(() => halves[0]?.write(""), 100);
      try {
        for (const end of await ends) assert.equal(end.length, 0);
      } finally {
        clearInterval(drip);
      }
      assert.equal((await ask(port, whole)).status, 200);
      // Sixteen from four addresses: the oldest makes room for who comes.
      const filled = await Promise.all([2, 3, 4, 5].map((last) => fillFrom(port, `127.0.0.${last}`)));
      try {
        assert.equal((await ask(port, whole)).status, 200);
      } finally {
        for (const end of filled) end();
      }
    });
  });

  test("a reader that stops reading holds its place for a limited time, and nobody up", async () => {
    await withServer(async ({ port, store }, key) => {
      const hash = await store(randomBytes(8_000_000));
      const stalled = send(port, requestFor(key, [hash, hash, hash]));
      // The answer has begun.
      await once(stalled, "data");
      stalled.pause();
      const other = await store(small);
      assert.equal((await ask(port, requestFor(key, [other]))).status, 200);
      // What was on its way is less than the answer.
      assert.equal(await connectionsTo(port), 1, "the stalled one");
      await until("the stalled connection is closed", async () => (await connectionsTo(port)) === 0);
      stalled.destroy();
    });
  });

  test("contents that vanish while they are sent are sent whole, and not again", async () => {
    await withServer(async ({ directory, port, store }, key) => {
      const content = randomBytes(8_000_000);
      const hash = await store(content);
      const socket = send(port, requestFor(key, [hash, hash]));
      const [begin] = (await once(socket, "data")) as [Buffer];
      socket.pause();
      await link(pathOf(directory, hash), join(directory, "placed"));
      await rm(join(directory, "objects"), { recursive: true });
      socket.resume();
      const all = begin.toString("latin1") + (await received(socket)).toString("latin1");
      const body = all.slice(all.indexOf("\r\n\r\n") + 4);
      // Either it was open already, or it is missing from the beginning.
      assert.ok(body.startsWith(lineOf(content) + content.toString("latin1")) || body.startsWith(`${hash} ?`));
      assert.ok(body.endsWith(`${hash} -\n`));
    });
  });
});

test("has no rights, no capabilities, and no way to change the store", async () => {
  await withServer(async ({ child }) => {
    assert.equal(process.getuid?.(), 0, "this test runs as root");
    const status = await readFile(`/proc/${child.pid}/status`, "utf8");
    const line = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1];
    assert.equal(line("Uid"), "65533\t65533\t65533\t0");
    assert.equal(line("Gid"), "65533\t65533\t65533\t65533");
    assert.equal(line("Groups")?.trim(), "");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) assert.equal(line(set), "0000000000000000");
    assert.equal(line("NoNewPrivs"), "1");
    // Its only mount, which is read-only.
    const mounts = (await readFile(`/proc/${child.pid}/mountinfo`, "utf8")).trim().split("\n");
    assert.equal(mounts.length, 1, mounts.join("\n"));
    assert.match(mounts[0] ?? "", /^\d+ \d+ \S+ \S+ \/ ro,/);
    assert.equal(await readlink(`/proc/${child.pid}/cwd`), "/");
    const files = await readFile(`/proc/${child.pid}/limits`, "utf8");
    assert.match(files, /^Max open files +64 +64/m);
    assert.match(files, /^Max file size +0 +0/m);
    assert.match(files, /^Max processes +0 +0/m);
  });
});

test("refuses what is no request for contents, and ends each such connection", async () => {
  await withServer(async ({ port, store }, key) => {
    const hash = await store(small);
    const whole = requestFor(key, [hash]);
    const many = bodyOf(Array.from({ length: 513 }, () => hash));
    const expected: readonly (readonly [string, number])[] = [
      ["GET /objects HTTP/1.1\r\n\r\n", 404],
      ["POST /objects HTTP/1.0\r\n\r\n", 404],
      ["POST /objects?x HTTP/1.1\r\n\r\n", 404],
      ["\r\n".repeat(100), 404],
      [randomBytes(3000).toString("latin1").replace(/^/, "x"), 404],
      ["POST /objects HTTP/1.1\r\n\r\n", 401],
      [`POST /objects HTTP/1.1\r\nx: ${"y".repeat(3000)}`, 431],
      [requestFor(key, [], many), 413],
      [requestFor(key, []), 400],
      [requestFor(key, [], bodyOf([hash]).slice(0, -1)), 400],
      [whole.replace("host: x", "transfer-encoding: chunked"), 400],
      [whole.replace("host: x", "content-length: 129"), 400],
      [whole.replace("content-length: 129", "content-length: -1"), 400],
      [whole.replace("content-length: 129", "content-length: 99999999999999999999"), 400],
      // Two in one connection: the first one is not answered either.
      [whole + whole, 400],
    ];
    for (const [text, status] of expected)
      assert.equal((await ask(port, text)).status, status, JSON.stringify(text.slice(0, 200)));
    const most = requestFor(key, [], many.slice(0, 512 * 129));
    const { status, body } = await ask(port, most);
    assert.equal(status, 200);
    assert.equal(body.length, 512 * (lineOf(small).length + small.length));
  });
});

/** Four connections from an address, which send nothing. */
async function fillFrom(port: number, localAddress: string): Promise<() => void> {
  const sockets = Array.from({ length: 4 }, () => connect({ port, host: "127.0.0.1", localAddress }));
  for (const socket of sockets) socket.on("error", () => undefined);
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** How many established connections the server's side has, by /proc/net/tcp. */
async function connectionsTo(port: number): Promise<number> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
  return lines.filter(([, local, , state]) => local === `0100007F:${hex}` && state === "01").length;
}

test("keeps the upload limit over all connections", async () => {
  const server = await startPeerServer();
  try {
    const key = newKey();
    const content = randomBytes(1_000_000);
    const hash = await server.store(content);
    const bytesPerSecond = 1_000_000;
    server.set(key, { bytesPerSecond });
    await until(
      "the key is known",
      async () => (await ask(server.port, requestFor(key, [await server.store(small)]))).status === 200,
    );
    const began = process.hrtime.bigint();
    const answers = await Promise.all([1, 2, 3].map(() => ask(server.port, requestFor(key, [hash]))));
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    for (const { body } of answers) assert.ok(body.equals(Buffer.concat([Buffer.from(lineOf(content)), content])));
    // Only a lower bound of the time: a busy computer makes it longer. An eighth of a second's bytes may come at once.
    assert.ok(seconds >= (3_000_000 - bytesPerSecond / 8) / bytesPerSecond - 0.1, `${seconds} s`);
    // Without a limit from now on; also for a connection that waits for its turn.
    server.set(key);
    assert.equal(
      (await ask(server.port, requestFor(key, [hash]))).body.length,
      lineOf(content).length + content.length,
    );
  } finally {
    await server.close();
  }
});

test("ends with its agent, also if that is killed", async () => {
  const server = await startPeerServer();
  server.child.stdin?.write("nonsense\n");
  await once(server.child, "exit");
  assert.equal(server.child.exitCode, 1);
  await server.close();

  // A shell as its agent, whose end of the pipe a third process keeps open.
  const directory = server.directory;
  await mkdir(directory);
  try {
    const script = `sleep 30 | (exec -a birther-peer "$0" "$1" 127.0.0.1 0) & echo started; wait`;
    const holder = spawn("bash", ["-c", script, await native, directory], { stdio: ["ignore", "pipe", "inherit"] });
    let printed = "";
    holder.stdout.on("data", (piece: Buffer) => {
      printed += piece;
    });
    await until("the program listens", () => /listening \d+/.test(printed));
    const port = Number(/listening (\d+)/.exec(printed)?.[1]);
    holder.kill("SIGKILL");
    await until("nobody listens", async () => (await ask(port, "")).status === 0 && !(await listens(port)));
  } finally {
    await rm(directory, { recursive: true });
  }
});

async function listens(port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return (await readFile("/proc/net/tcp", "utf8")).includes(`0100007F:${hex} 00000000:0000 0A`);
}
