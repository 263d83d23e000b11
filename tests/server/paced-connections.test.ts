import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { paceConnections } from "../../src/mdb/tls/paced-connections.ts";

/** Long enough for a busy computer to connect all before the first one speaks. */
const allConnectMs = 60_000;
const silentMs = 300;
/** The module's limit. */
const mostPerTurn = 4;

type Rig = AsyncDisposable & {
  readonly connect: () => Promise<Socket>;
  /** The first bytes of each connection that the server began with, in this order. */
  readonly begun: string[];
  readonly mostInATurn: () => number;
  readonly open: Set<Socket>;
};

/** A server that keeps what it began with; `admits` decides about a connection by its number. */
async function rig({
  admits = () => true,
  silentMs = allConnectMs,
}: {
  readonly admits?: (nth: number) => boolean;
  readonly silentMs?: number;
} = {}): Promise<Rig> {
  const begun: string[] = [];
  const open = new Set<Socket>();
  let inThisTurn = 0;
  let most = 0;
  let came = 0;
  const server = createServer((socket) => {
    begun.push(String(socket.read()));
    inThisTurn += 1;
    most = Math.max(most, inThisTurn);
    setImmediate(() => {
      inThisTurn = 0;
    });
  });
  paceConnections(server, {
    silentMs,
    admit: (socket) => {
      came += 1;
      open.add(socket);
      socket.once("close", () => open.delete(socket));
      if (admits(came)) return true;
      socket.destroy();
      return false;
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  return {
    ...{ begun, open, mostInATurn: () => most },
    connect: async () => {
      const client = connect({ port, host: "127.0.0.1" });
      client.on("error", () => undefined);
      clients.push(client);
      const before = came;
      await once(client, "connect");
      while (came === before) await nextTurn();
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of [...clients, ...open]) client.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 60_000; !holds(); await nextTurn())
    assert.ok(performance.now() < endMs, "expected it within a minute");
}

test("of many that speak at once, a few begin in each turn, and all of them in the end, in their order", async () => {
  await using running = await rig();
  const clients: Socket[] = [];
  for (let n = 0; n < 100; n += 1) clients.push(await running.connect());
  for (const [n, client] of clients.entries()) client.write(`${n}`);
  await until(() => running.begun.length === clients.length);
  assert.equal(running.mostInATurn(), mostPerTurn);
  assert.deepEqual(
    running.begun,
    clients.map((_, n) => `${n}`),
  );
  // And again, after the queue was empty.
  (await running.connect()).write("late");
  await until(() => running.begun.at(-1) === "late");
});

test("one that says nothing costs nothing but a socket, and is ended", async () => {
  {
    await using untimed = await rig();
    await untimed.connect();
    (await untimed.connect()).write("speaks");
    await until(() => untimed.begun.length === 1);
    assert.deepEqual([untimed.begun, untimed.open.size], [["speaks"], 2]);
  }
  // Alone: another one might not come to speak in time either.
  await using running = await rig({ silentMs });
  const silent = (await running.connect()).resume();
  await until(() => silent.closed);
  await until(() => running.open.size === 0);
  assert.deepEqual(running.begun, []);
});

test("one that goes before its turn is passed over, one that is refused never begins", async () => {
  await using running = await rig({ admits: (nth) => nth !== 2 });
  const first = await running.connect();
  (await running.connect()).write("refused");
  const third = await running.connect();
  first.resetAndDestroy();
  await until(() => running.open.size === 1);
  third.write("third");
  await until(() => running.begun.length === 1);
  assert.deepEqual(running.begun, ["third"]);
});
