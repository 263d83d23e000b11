import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { lastHandlers } from "../http/problem.ts";
import { openPki } from "../tls/pki.ts";
import { startTlsServer } from "../tls/server.ts";

/** The TLS server for machines, both init and agents, on each of these addresses. */
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
  const { onError, notFound } = lastHandlers(log);
  app.onError(onError);
  app.notFound(notFound);
  for (const part of apps) app.route("/", part);
  const listener = getRequestListener(app.fetch);
  const server = await startTlsServer({ addresses, port, certificate: identity, listener, log });
  log("info", "MDB listening for machines", { addresses: addresses.map(formatIpv4), port });
  return server;
}
