import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { startHttpServer } from "../../src/boot-server/http/server.ts";
import { clientConnectionLimit } from "../../src/core/network/connections.ts";
import { until } from "../../src/mdb/testing/fleet.ts";
import { repeatAttack } from "./attack.ts";

const halfRequests = 1000;
/** `maxConnectionsPerAddress`, as it is without a configuration, and a small one. */
const limits = [clientConnectionLimit, 20];

/** A connection from an address of the loopback network that sends half a request. */
async function sendHalf(port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, localAddress });
  socket.on("error", () => {});
  await Promise.race([once(socket, "connect"), once(socket, "close")]);
  socket.write("GET /file HTTP/1.1\r\nhost: x\r\nx-half: ");
  return socket;
}

for (const limit of limits)
  test(`half requests of one client, of which ${limit} may connect, keep no other client from its file`, {
    timeout: 120_000,
  }, async (t) => {
    await using server = await startHttpServer({
      ...{ addresses: ["127.0.0.1"], port: 0, files: new Map([["/file", Buffer.from("whole")]]) },
      ...{ handlers: [], onSent: () => {}, log: () => {}, connectionsPerAddress: limit },
    });
    const { port } = server;
    const sockets: Socket[] = [];
    try {
      for (let n = 0; n < Math.min(halfRequests, 4 * limit); n += 1) sockets.push(await sendHalf(port, "127.0.0.66"));
      // A client hears a little later that it is dropped.
      const open = () => sockets.filter(({ destroyed, readyState }) => !destroyed && readyState === "open").length;
      await until("the others are dropped", () => open() <= limit);
      await repeatAttack(t, 20, async () => {
        const response = await fetch(`http://127.0.0.1:${port}/file`);
        return (await response.text()) === "whole" ? undefined : `status ${response.status}`;
      });
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });
