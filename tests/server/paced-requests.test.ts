import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { paceRequests } from "../../src/mdb/http/paced-requests.ts";

/** The module's limit. */
const mostPerTurn = 8;

/** Requests as Node's server hands them over, one of each connection unless a socket is given. */
function request(url: string, socket: object = {}): readonly [IncomingMessage, ServerResponse] {
  return [{ url, socket } as IncomingMessage, { destroyed: false } as ServerResponse];
}

function paced() {
  const begun: string[] = [];
  const listener = paceRequests(({ url = "" }) => begun.push(url));
  return { begun, listener };
}

test("of thousands that come at once, a few begin in each turn, and all of them in the end, in their order", async () => {
  const { begun, listener } = paced();
  const all = Array.from({ length: 5000 }, (_, n) => String(n));
  for (const url of all) listener(...request(url));
  for (let before = 0; before < all.length; before = begun.length) {
    assert.ok(begun.length - before <= mostPerTurn);
    const had = begun.length;
    await nextTurn();
    assert.ok(begun.length - had <= mostPerTurn, `${begun.length - had} began in one turn`);
    if (begun.length === all.length) break;
    assert.equal(begun.length - had, mostPerTurn);
  }
  assert.deepEqual(begun, all);
});

test("what comes while others wait is behind them; with nobody waiting it begins at once", async () => {
  const { begun, listener } = paced();
  for (let n = 0; n < mostPerTurn + 2; n += 1) listener(...request(`early ${n}`));
  await nextTurn();
  assert.equal(begun.length, mostPerTurn + 2);
  listener(...request("late"));
  assert.equal(begun.at(-1), "late");
});

test("one whose client has gone is passed over, and a second one of a connection waits for nobody", async () => {
  const { begun, listener } = paced();
  for (let n = 0; n < mostPerTurn; n += 1) listener(...request(`before ${n}`));
  const [gone, response] = request("gone");
  listener(gone, response);
  Object.assign(response, { destroyed: true });
  const socket = {};
  listener(...request("first of two", socket));
  listener(...request("second of two", socket));
  await nextTurn();
  assert.deepEqual(begun.slice(mostPerTurn), ["second of two", "first of two"]);
  listener(...request("third", socket));
  assert.equal(begun.at(-1), "third");
});

/** A request of the test takes this much processor time. */
const workMs = 2;

/** How many requests a server has begun when something else that became ready with them gets its turn. */
async function begunBeforeOthers(pace: (listener: RequestListener) => RequestListener): Promise<number> {
  let begun = 0;
  const server = createServer(
    pace((_request, response) => {
      begun += 1;
      for (const endMs = performance.now() + workMs; performance.now() < endMs; );
      response.end();
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  for (let n = 0; n < 100; n += 1) {
    const client = connect({ port, host: "127.0.0.1" });
    clients.push(client);
    await once(client, "connect");
  }
  const answered = clients.map((client) => once(client, "data"));
  for (const client of clients) client.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
  let most = 0;
  let isOver = false;
  void Promise.all(answered).then(() => {
    isOver = true;
  });
  while (!isOver) {
    const before = begun;
    await nextTurn();
    most = Math.max(most, begun - before);
  }
  for (const client of clients) client.destroy();
  server.close();
  return most;
}

test("on connections, the turns are short; without pacing they are not", async () => {
  assert.ok((await begunBeforeOthers(paceRequests)) <= mostPerTurn);
  assert.ok((await begunBeforeOthers((listener) => listener)) > 4 * mostPerTurn);
});
