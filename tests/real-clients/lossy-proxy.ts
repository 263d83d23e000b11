/**
 * A bad wire for TFTP, run at the client's end: `lossy-proxy.ts SERVER SEED`. Packets to 127.0.0.1:69 are forwarded to
 * the server; 30 % of the packets are lost, but at most three in a row of a direction, 10 % are duplicated, and each is
 * delayed by up to 15 ms, so that they overtake one another.
 */
import { createSocket, type Socket } from "node:dgram";
import { openBadWire } from "../support/bad-wire-chance.ts";
import { chanceOf } from "../support/chance.ts";

const [server = "", seed = "1"] = process.argv.slice(2);
const badness = { lossPercent: 30, twicePercent: 10, latestMs: 15, mostLostInARow: 3 };
const chance = chanceOf(Number(seed));
const [carryUp, carryDown] = [openBadWire(chance, badness), openBadWire(chance, badness)];

/**
 * By the client's port: the socket that acts as the client to the server, and the one that acts as the server to the
 * client.
 */
const pairs = new Map<number, Socket>();

const listener = createSocket("udp4");
listener.on("message", (request, client) => {
  let up = pairs.get(client.port);
  if (up === undefined) {
    const [toServer, toClient] = [createSocket("udp4"), createSocket("udp4")];
    let serverPort = 69;
    toServer.on("message", (bytes, from) => {
      serverPort = from.port;
      carryDown(() => toClient.send(bytes, client.port, client.address));
    });
    toClient.on("message", (bytes) => carryUp(() => toServer.send(bytes, serverPort, server)));
    pairs.set(client.port, toServer);
    up = toServer;
  }
  const first = up;
  carryUp(() => first.send(request, 69, server));
});
listener.bind(69, "127.0.0.1", () => process.stdout.write("ready\n"));
