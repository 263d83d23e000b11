import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { systemClock as clock, systemRandom as random } from "../../src/main/system-ports.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { testMac, until } from "../../src/mdb/testing/fleet.ts";
import { openCalls } from "../../src/mdb/watch/webhooks.ts";
import { repeatAttack } from "./attack.ts";

const log = () => {};
const key = new Uint8Array(32);
const machine = { id: machineIdFromMac(testMac(1)), state: "healthy", generation: 1 } as const;
const notice = (n: number) => ({ id: `notice-${n}`, kind: "healthy", atMs: Date.now(), machine }) as const;

/** A receiver on loopback that does this with each connection. */
async function openReceiver(behave: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    behave(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const piece = Buffer.alloc(65_536, 0x61);
/** Writes for as long as the other side reads. */
function writeForEver(socket: Socket, head: string): void {
  socket.write(head);
  const more = () => {
    while (socket.writable && socket.write(piece));
  };
  socket.on("drain", more);
  more();
}

const receivers: { readonly [what: string]: (socket: Socket) => void } = {
  "never reads": (socket) => void socket.pause(),
  "reads and never answers": (socket) => void socket.resume(),
  "sends a body without an end": (socket) =>
    socket.once("data", () => writeForEver(socket, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")),
  "sends headers without an end": (socket) => socket.once("data", () => writeForEver(socket, "HTTP/1.1 200 OK\r\nx: ")),
  "sends interim answers without an end": (socket) =>
    socket.once("data", () => {
      const more = () => {
        while (socket.writable && socket.write("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000)));
      };
      socket.on("drain", more);
      more();
    }),
  "sends a byte a second": (socket) => {
    socket.resume();
    const timer = setInterval(() => socket.write("H"), 1000);
    socket.on("close", () => clearInterval(timer));
  },
  "closes at once": (socket) => void socket.destroy(),
};
const rounds = 20;

for (const [what, behave] of Object.entries(receivers))
  test(`a receiver of webhooks that ${what} holds up no other one, no end of the server, and takes no memory`, {
    timeout: 60_000,
  }, async (t) => {
    await using store = await openStore({ path: ":memory:", clock, log });
    await using bad = await openReceiver(behave);
    let taken = 0;
    await using good = await openReceiver((socket) => {
      socket.on("data", () => {
        taken += 1;
        socket.end("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
      });
    });
    const webhooks = [bad, good].map(({ url }) => ({ url, key }));
    const before = process.memoryUsage().rss;
    {
      await using calls = openCalls({ store, webhooks, clock, random, log, retryMs: () => 50 });
      await repeatAttack(t, rounds, async (round) => {
        await calls.send(notice(round));
        await until(`notice ${round} at the good receiver`, () => taken > round, 30_000);
        return bad.sockets.size > 4 ? `${bad.sockets.size} connections to the bad one are open` : undefined;
      });
    }
    const grownMiB = (process.memoryUsage().rss - before) / 1024 ** 2;
    assert.ok(grownMiB < 200, `${grownMiB} MiB more memory`);
  });
