import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runProgram } from "./native-program.ts";
import { newKey, pathOf, sha512Of, startPeerServer } from "./peer-server.ts";

const key = newKey();
const contents = [Buffer.from("a content\n"), randomBytes(5_000_000), Buffer.from("another content")];
const wanted = contents.map((content) => ({ sha512: sha512Of(content), size: content.length }));

type Result = {
  readonly stored: number;
  readonly fault?: { readonly reason: string; readonly isToBlame: boolean; readonly isBroken?: true };
  readonly second?: Result;
  readonly there: number;
  readonly wasSet?: boolean;
  readonly isSetAfterStop?: boolean;
};

/** Fetches the contents into a new root, from a port of this computer. */
async function fetchFrom(
  port: number,
  options: { readonly key?: string; readonly serves?: boolean; readonly again?: boolean } = {},
) {
  const root = await mkdtemp(join(tmpdir(), "birther-peer-fetch-"));
  try {
    const peer = { address: "127.0.0.1", port, key: options.key ?? key, expectedBytesPerSecond: 0 };
    const work = JSON.stringify({ peer, wanted, serves: options.serves === true, again: options.again === true });
    const result: Result = await runProgram(root, "peer-fetch", [root, work]);
    const stored: Buffer[] = [];
    const count = result.stored + (result.second?.stored ?? 0);
    for (const { sha512 } of wanted.slice(0, count))
      stored.push(await readFile(pathOf(join(root, ".birther-agent"), sha512)));
    assert.ok(Buffer.concat(stored).equals(Buffer.concat(contents.slice(0, count))));
    return result;
  } finally {
    await rm(root, { recursive: true });
  }
}

/** A peer that does with each connection what it likes, after the request's head. */
async function withPeer(behaves: (socket: Socket) => void, work: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => behaves(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await work((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
const lineOf = (index: number): string => `${wanted[index]?.sha512} ${wanted[index]?.size}\n`;

/** Writes again and again until the connection is closed. */
function forever(socket: Socket, everyMs: number, text: string): void {
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.once("close", () => clearInterval(timer));
}

/** Peers at fault, what is stored of the three contents, and what is said of them. */
const faulty: readonly {
  readonly name: string;
  readonly behaves: (socket: Socket) => void;
  readonly stored: number;
  readonly fault: RegExp;
  /** It cannot serve now, which is no fault of its. */
  readonly isUnready?: true;
}[] = [
  {
    name: "stalls before its answer",
    behaves: () => undefined,
    stored: 0,
    fault: /no byte within 3 s$/,
  },
  {
    name: "stalls in the middle of a content",
    behaves: (socket) => socket.write(`${head}${lineOf(0)}${contents[0]}${lineOf(1)}xyz`),
    stored: 1,
    fault: /no byte within 3 s$/,
  },
  {
    name: "ends in the middle",
    behaves: (socket) => socket.end(`${head}${lineOf(0)}${contents[0]}`),
    stored: 1,
    fault: /the answer ends early$/,
  },
  {
    name: "is slow",
    behaves: (socket) => {
      socket.write(`${head}${lineOf(0)}${contents[0]}${lineOf(1)}`);
      forever(socket, 50, "x".repeat(1000));
    },
    stored: 1,
    fault: /: \d+ bytes a second, less than 1000000$/,
  },
  {
    name: "lies about a content",
    behaves: (socket) => socket.end(`${head}${lineOf(0)}A content\n`),
    stored: 0,
    fault: /expected SHA-512 .* found .*; it is damaged or forged$/,
  },
  {
    name: "lies about a length",
    behaves: (socket) => socket.end(`${head}${wanted[0]?.sha512} 123456\n`),
    stored: 0,
    fault: /expected [0-9a-f]{128}, found /,
  },
  {
    name: "sends lines without an end",
    behaves: (socket) => forever(socket.setNoDelay(), 1, "x".repeat(100)),
    stored: 0,
    fault: /expected a status line of at most/,
  },
  {
    name: "sends more than was asked for",
    behaves: (socket) =>
      socket.end(
        Buffer.concat([
          Buffer.from(head),
          ...contents.flatMap((each, i) => [Buffer.from(lineOf(i)), each]),
          Buffer.from("more\n"),
        ]),
      ),
    stored: 3,
    fault: /^$|sends more than the 3 objects asked for$/,
  },
  {
    name: "does not have a content",
    behaves: (socket) => socket.end(`${head}${lineOf(0)}${contents[0]}${wanted[1]?.sha512} -\n`),
    stored: 1,
    fault: /the peer does not have [0-9a-f]{16}…$/,
    isUnready: true,
  },
  {
    name: "waits for ever",
    behaves: (socket) => {
      socket.write(head);
      forever(socket, 500, `${wanted[0]?.sha512} ?\n`);
    },
    stored: 0,
    fault: /the peer waits for its own contents, beyond 12 s$/,
    isUnready: true,
  },
  {
    name: "refuses",
    behaves: (socket) => socket.end("HTTP/1.1 503 full\r\ncontent-length: 0\r\n\r\n"),
    stored: 0,
    fault: /: status 503$/,
    isUnready: true,
  },
];

/** A peer whose first answer breaks off in the middle of the second content. */
const brokenOff = Buffer.concat([
  ...[Buffer.from(head), Buffer.from(lineOf(0)), contents[0] ?? assert.fail(), Buffer.from(lineOf(1))],
  (contents[1] ?? assert.fail()).subarray(0, 3_000_000),
]);
const last = Buffer.concat([Buffer.from(lineOf(2)), contents[2] ?? assert.fail()]);
const answers: readonly { readonly name: string; readonly second: Buffer; readonly fault?: RegExp }[] = [
  {
    name: "sends the rest when it is asked again",
    second: Buffer.concat([
      Buffer.from(`${wanted[1]?.sha512} ${wanted[1]?.size} 3000000\n`),
      (contents[1] ?? assert.fail()).subarray(3_000_000),
      last,
    ]),
  },
  {
    name: "knows no rests, as an agent of an earlier version",
    second: Buffer.concat([Buffer.from(lineOf(1)), contents[1] ?? assert.fail(), last]),
  },
  {
    name: "sends another rest",
    second: Buffer.from(`${wanted[1]?.sha512} ${wanted[1]?.size} 2999999\nx`),
    fault: /expected [0-9a-f]{128}, found /,
  },
];
describe("an answer that breaks in the middle of a content", () => {
  for (const { name, second, fault } of answers)
    test(`of a peer that ${name}`, async () => {
      let asked = 0;
      const behaves = (socket: Socket) => {
        asked += 1;
        socket.end(asked === 1 ? brokenOff : Buffer.concat([Buffer.from(head), second]));
      };
      await withPeer(behaves, async (port) => {
        const result = await fetchFrom(port, { again: true });
        assert.deepEqual([result.stored, result.fault?.isBroken], [1, true]);
        assert.match(result.second?.fault?.reason ?? "", fault ?? /^$/);
        assert.equal(result.second?.stored, fault === undefined ? 2 : 0);
      });
    });
});

describe("a peer at fault costs seconds", { concurrency: true }, () => {
  for (const { name, behaves, stored, fault, isUnready } of faulty)
    test(`one that ${name}`, async () => {
      await withPeer(behaves, async (port) => {
        const result = await fetchFrom(port);
        assert.equal(result.stored, stored);
        // Behind the last content nothing has to be read: the contents are there.
        assert.match(result.fault?.reason ?? "", fault);
        assert.equal(result.fault?.isToBlame ?? true, isUnready === undefined);
      });
    });

  test("one that is not there", async () => {
    // No program of ours listens there; a port that was just free may be another test's by now.
    const { stored, fault } = await fetchFrom(1);
    assert.equal(stored, 0);
    assert.match(fault?.reason ?? "", /^peer 127\.0\.0\.1:\d+: tcpConnect .*refused/);
  });
});

test("fetches what a peer has, and what it gets meanwhile", async () => {
  const server = await startPeerServer();
  try {
    server.set(key);
    const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0)] = contents;
    await server.store(first);
    await server.store(third);
    await mkdir(join(server.directory, "objects"), { recursive: true });
    const other = await fetchFrom(server.port, { key: newKey() });
    assert.deepEqual([other.stored, other.there], [0, 0]);
    assert.match(other.fault?.reason ?? "", /: status 401$/);
    const result = fetchFrom(server.port);
    await server.store(second);
    const { stored, fault, there } = await result;
    assert.deepEqual({ stored, fault, there }, { stored: 3, fault: undefined, there: 3 });
  } finally {
    await server.close();
  }
});

test("the agent starts and stops its own server", async () => {
  // Its store is empty, so that it says after its wait that it does not have the content.
  const { stored, fault, wasSet, isSetAfterStop } = await fetchFrom(0, { serves: true });
  assert.deepEqual([stored, wasSet, isSetAfterStop], [0, true, false]);
  assert.match(fault?.reason ?? "", /the peer does not have [0-9a-f]{16}…$/);
});
