import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import { closeServer } from "../../boot-server/socket/close-server.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Log } from "../../core/ports.ts";
import type { Certificate } from "../../mdb/tls/operator-certificate.ts";

/** The certificate is looked at so often; a new one is taken without a restart. */
const renewMs = 86_400_000;
/** Many clients on one switch open a connection each; what does not get on within these times is dropped. */
const timeLimits = {
  handshakeTimeout: 20_000,
  requestTimeout: 60_000,
  headersTimeout: 20_000,
  keepAliveTimeout: 75_000,
};

/** A TLS server on each of these addresses, with one certificate that is renewed while it runs. */
export async function startTlsServer(options: {
  readonly addresses: readonly Ipv4[];
  readonly port: number;
  readonly certificate: () => Promise<Certificate>;
  readonly listener: RequestListener;
  readonly log: Log;
  /** Connections at once on each address. */
  readonly connections?: number;
}): Promise<AsyncDisposable> {
  const { addresses, port, certificate, listener, log, connections } = options;
  const context = async () => {
    const { certificatePem: cert, keyPem: key } = await certificate();
    return { cert, key, minVersion: "TLSv1.2" } as const;
  };
  await using opened = new AsyncDisposableStack();
  const servers: Server[] = [];
  for (const address of addresses) {
    const server = createServer({ ...(await context()), ...timeLimits }, listener);
    if (connections !== undefined) server.maxConnections = connections;
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
      const renewed = await context();
      for (const server of servers) server.setSecureContext(renewed);
    } catch (cause) {
      log("error", "the server certificate could not be looked at", { cause });
    }
  }, renewMs);
  renewal.unref();
  opened.defer(() => clearInterval(renewal));
  return opened.move();
}
