import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import { openConnections } from "../../core/network/connections.ts";
import { tlsHeaders } from "../../core/network/security-headers.ts";
import { tls12Ciphers } from "../../core/network/tls-ciphers.ts";
import type { Log } from "../../core/ports.ts";
import { closeServer } from "../http/close-server.ts";
import { guardAnswers } from "../http/guard-answers.ts";
import { paceRequests } from "../http/paced-requests.ts";
import type { Certificate } from "./operator-certificate.ts";
import { paceConnections } from "./paced-connections.ts";

/**
 * Interval at which the certificate is checked; a new one is used without a restart. A clock that is set right can show that the
 * certificate has expired, and no machine would accept it until the next check.
 */
const renewMs = 60_000;
/** Many clients on one switch open a connection each; connections without progress are dropped after these times. */
const timeLimits = {
  handshakeTimeout: 20_000,
  requestTimeout: 60_000,
  headersTimeout: 20_000,
  keepAliveTimeout: 75_000,
};

/**
 * Thousands of machines connect at the same moment, and more than fit here are tried again by their kernels after seconds. The kernel
 * limits it to net.core.somaxconn.
 */
const backlog = 4096;

/**
 * TLS 1.3, and for agents of earlier builds also 1.2, with forward secrecy and authenticated encryption only: no CBC suite,
 * and the server's order counts.
 */
const protocols = {
  minVersion: "TLSv1.2",
  honorCipherOrder: true,
  ciphers: [
    ...["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"],
    ...tls12Ciphers,
  ].join(":"),
} as const;

/** A TLS server on each of these addresses, with one certificate that is renewed while the server runs. */
export async function startTlsServer(options: {
  readonly addresses: readonly Ipv4[];
  readonly port: number;
  readonly certificate: () => Promise<Certificate>;
  readonly listener: RequestListener;
  readonly log: Log;
  /** Concurrent connections in all; with one more, the address that has the most of them loses one. */
  readonly connections: () => number;
  /** Simultaneous connections of one address. */
  readonly connectionsPerAddress?: number;
}): Promise<AsyncDisposable> {
  const { addresses, port, certificate, listener, log, connections, connectionsPerAddress } = options;
  const context = async () => {
    const { certificatePem: cert, keyPem: key } = await certificate();
    return { cert, key, ...protocols } as const;
  };
  await using opened = new AsyncDisposableStack();
  const servers: Server[] = [];
  const open = openConnections<Socket>({
    ...{ perAddress: connectionsPerAddress, total: connections },
    drop: (socket) => socket.destroy(),
  });
  const admit = (socket: Socket): boolean => {
    const client = socket.remoteAddress ?? "";
    const isAdmitted = open.begin(client, socket);
    if (isAdmitted) socket.once("close", () => open.end(client, socket));
    else socket.destroy();
    return isAdmitted;
  };
  // All addresses share the turns.
  const paced = paceRequests(listener);
  let current = await context();
  for (const address of addresses) {
    const server = createServer({ ...current, ...timeLimits });
    guardAnswers(server, tlsHeaders, paced);
    paceConnections(server, { admit, silentMs: timeLimits.handshakeTimeout });
    server.on("tlsClientError", (error, socket) => {
      log("warn", "TLS connection failed", { client: socket.remoteAddress, error: error.message });
      // Node leaves a handshake that took too long to its listeners, and an answer would wait for the end of the handshake.
      socket.destroy();
    });
    server.listen({ port, host: formatIpv4(address), backlog });
    await once(server, "listening");
    opened.defer(() => closeServer(server));
    servers.push(server);
  }
  const renewal = setInterval(async () => {
    try {
      const renewed = await context();
      // A new context ends the resumption of sessions.
      if (renewed.cert === current.cert && renewed.key === current.key) return;
      current = renewed;
      for (const server of servers) server.setSecureContext(renewed);
    } catch (cause) {
      log("error", "checking the server certificate failed", { cause });
    }
  }, renewMs);
  renewal.unref();
  opened.defer(() => clearInterval(renewal));
  return opened.move();
}
