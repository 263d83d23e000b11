import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { formatIpv4, type Ipv4 } from "../core/net/ipv4.ts";
import type { Clock, Log } from "../core/ports.ts";
import { openPki } from "../mdb/pki.ts";
import { lastAnswers } from "../mdb/problem.ts";
import { closeServer } from "./operator-server.ts";

/** The certificate is looked at so often; a new one is taken without a restart. */
const renewMs = 86_400_000;
/** Machines on one rack switch open a connection each; what does not get on within these times is dropped. */
const timeLimits = {
  handshakeTimeout: 20_000,
  requestTimeout: 60_000,
  headersTimeout: 20_000,
  keepAliveTimeout: 75_000,
};

/** The TLS server that machines talk to, init and subs alike, on each of these addresses. */
export async function startMachineServer(options: {
  readonly addresses: readonly Ipv4[];
  readonly port: number;
  readonly pkiDirectory: string;
  readonly apps: readonly Hono[];
  readonly clock: Clock;
  readonly log: Log;
}): Promise<AsyncDisposable> {
  const { addresses, port, apps, clock, log } = options;
  const identity = () => openPki({ directory: options.pkiDirectory, clock, log });
  const app = new Hono();
  const { onError, notFound } = lastAnswers(log);
  app.onError(onError);
  app.notFound(notFound);
  for (const part of apps) app.route("/", part);
  const listener = getRequestListener(app.fetch);

  await using opened = new AsyncDisposableStack();
  const { certificatePem, keyPem } = await identity();
  const servers: Server[] = [];
  for (const address of addresses) {
    const server = createServer({ cert: certificatePem, key: keyPem, minVersion: "TLSv1.2", ...timeLimits }, listener);
    server.on("tlsClientError", (error, socket) => {
      log("warn", "a TLS connection failed", { client: socket.remoteAddress, error: error.message });
    });
    server.listen(port, formatIpv4(address));
    await once(server, "listening");
    opened.defer(() => closeServer(server));
    servers.push(server);
  }
  const renewal = setInterval(async () => {
    try {
      const { certificatePem: cert, keyPem: key } = await identity();
      for (const server of servers) server.setSecureContext({ cert, key, minVersion: "TLSv1.2" });
    } catch (cause) {
      log("error", "the server certificate could not be looked at", { cause });
    }
  }, renewMs);
  renewal.unref();
  opened.defer(() => clearInterval(renewal));
  log("info", "MDB listens for machines", { addresses: addresses.map(formatIpv4), port });
  return opened.move();
}
