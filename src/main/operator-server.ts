import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { Log } from "../core/ports.ts";
import type { Door, OperatorEnv } from "../mdb/asker.ts";
import { userOfPeer } from "./socket-peer.ts";

/** Linux takes no longer path for a Unix socket (unix(7): sun_path is 108 bytes, the last is 0). */
const pathLimit = 107;

/** Serves the operators' API on a Unix socket that only its owner may open. What a dead server left there is removed. */
export async function startOperatorServer(options: {
  readonly path: string;
  readonly app: Hono<OperatorEnv>;
  readonly log: Log;
}): Promise<AsyncDisposable> {
  const { path, app, log } = options;
  if (Buffer.byteLength(path) > pathLimit) {
    throw new Error(
      `${path} is longer than the ${pathLimit} bytes a socket's path may have: choose a shorter stateDirectory`,
    );
  }
  rmSync(path, { force: true });
  const users = new WeakMap<Socket, string>();
  const server = createServer(
    getRequestListener((request, { incoming: { socket } }) => {
      const user = users.get(socket);
      const door: Door | undefined = user === undefined ? undefined : { kind: "socket", user };
      return app.fetch(request, { door });
    }),
  );
  server.on("connection", (socket) => users.set(socket, userOfPeer(socket)));
  const before = process.umask(0o177);
  try {
    server.listen(path);
    await once(server, "listening");
  } finally {
    process.umask(before);
  }
  log("info", "MDB listens for operators", { path });
  return { [Symbol.asyncDispose]: () => closeServer(server) };
}

/** Ends a server and its connections, also those that wait for nothing or for ever. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
