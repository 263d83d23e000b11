import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import { apiHeaders } from "../../core/network/security-headers.ts";
import type { Log } from "../../core/ports.ts";
import { closeServer } from "../http/close-server.ts";
import { guardAnswers } from "../http/guard-answers.ts";
import type { Certificate } from "../tls/operator-certificate.ts";
import { startTlsServer } from "../tls/server.ts";
import type { Listener, OperatorEnv } from "./caller/authenticate.ts";
import { userOfPeer } from "./caller/socket-peer.ts";
import { type Pages, pageHandler } from "./pages.ts";

/** The longest path that Linux accepts for a Unix socket (unix(7): sun_path has 108 bytes, the last is 0). */
const pathLimit = 107;

/** Serves the operators' API on a Unix socket that only its owner may open. Removes the socket of a dead server. */
export async function startOperatorServer(options: {
  readonly path: string;
  readonly app: Hono<OperatorEnv>;
  readonly log: Log;
}): Promise<AsyncDisposable> {
  const { path, app, log } = options;
  if (Buffer.byteLength(path) > pathLimit) {
    throw new Error(`socket path: expected at most ${pathLimit} bytes, found ${path}; choose a shorter stateDirectory`);
  }
  rmSync(path, { force: true });
  const users = new WeakMap<Socket, string>();
  const listener = getRequestListener((request, { incoming: { socket } }) => {
    const user = users.get(socket);
    const listener: Listener | undefined = user === undefined ? undefined : { kind: "socket", user };
    return app.fetch(request, { listener });
  });
  const server = createServer();
  guardAnswers(server, apiHeaders, listener);
  server.on("connection", (socket) => users.set(socket, userOfPeer(socket)));
  const before = process.umask(0o177);
  try {
    server.listen(path);
    await once(server, "listening");
  } finally {
    process.umask(before);
  }
  log("info", "MDB listening for operators", { path });
  return { [Symbol.asyncDispose]: () => closeServer(server) };
}

/** Each watcher of the feed keeps a connection open. */
const operatorConnections = 4096;

/** Serves the operators' API over TLS to callers with a token or a session, and the dashboard. */
export async function startOperatorTls(options: {
  readonly addresses: readonly Ipv4[];
  readonly port: number;
  readonly certificate: () => Promise<Certificate>;
  readonly app: Hono<OperatorEnv>;
  readonly log: Log;
  /** The dashboard; without it, only the API is served. */
  readonly pages?: () => Promise<Pages>;
  /** Concurrent connections in all; 4,096 if undefined. */
  readonly connections?: number;
}): Promise<AsyncDisposable> {
  const { addresses, port, certificate, app, log, connections = operatorConnections } = options;
  const page = options.pages === undefined ? undefined : pageHandler(options.pages);
  const listener = getRequestListener(async (request, { incoming }) => {
    const listener: Listener = { kind: "tls", client: incoming.socket.remoteAddress ?? "" };
    return (await page?.(request)) ?? (await app.fetch(request, { listener }));
  });
  const server = await startTlsServer({ addresses, port, certificate, listener, log, connections: () => connections });
  if (addresses.length > 0) log("info", "MDB listening for operators", { addresses: addresses.map(formatIpv4), port });
  return server;
}
