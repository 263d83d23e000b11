import * as host from "host";
import { type HttpClient, openHttp, statusIn } from "../../system/http.ts";
import { openPrivateHttp } from "../../system/https.ts";
import type { MdbServers } from "../mdb/servers.ts";
import type { SubContext } from "../sub-context.ts";
import { type ClosedPort, openClosedPort } from "./closed-port.ts";

const notFound = 404;
/** A port that failed is left alone for this long. */
const restMs = 600_000;

/** Where the server has contents, beside the ports of the settings: public ones, or confidential ones over TLS. */
export type ServerPorts = { readonly images?: number | undefined; readonly confidential?: number | undefined };

/** A client for contents that can be told of the server's other ports. */
export type ObjectServer = HttpClient & {
  readonly prefer: (ports: ServerPorts) => void;
  readonly closedPort: ClosedPort;
};

/**
 * The server's contents: over TLS with the machine's credential if they are confidential, otherwise over plain HTTP. A server of an
 * earlier version does not say what is confidential: what is missing over plain HTTP is then asked for over TLS. A forged answer on the
 * plain port gains nothing: each content is verified by its hash. All are at the server at which the agent finds the MDB now.
 */
export function openObjectServer(context: SubContext, servers: Pick<MdbServers, "current" | "contents">): ObjectServer {
  let server = servers.current();
  let contents = servers.contents();
  let bootServer = openHttp(contents);
  const closedPort = openClosedPort(context, servers);
  const closed = openClosedServer(context, closedPort);
  let preferred: { readonly port: number; readonly client: HttpClient } | undefined;
  let isConfidential = false;
  let restUntilMs = 0;

  /** The port for images if it answers, otherwise that of the Boot Server, which has the same contents. */
  function fetchOpenly(request: (client: HttpClient) => void): void {
    if (preferred === undefined || host.monotonicMs() < restUntilMs) {
      request(bootServer);
      return;
    }
    try {
      request(preferred.client);
    } catch (error) {
      // The caller tries again with what is missing then.
      if (statusIn(error) === undefined) restUntilMs = host.monotonicMs() + restMs;
      throw error;
    }
  }
  /** Other servers have the same contents at the same ports. */
  function followServer(): void {
    if (servers.current() === server) return;
    server = servers.current();
    contents = servers.contents();
    bootServer.close();
    bootServer = openHttp(contents);
    preferred?.client.close();
    preferred = preferred && { ...preferred, client: openHttp({ ...contents, port: preferred.port }) };
    restUntilMs = 0;
    closed.close();
  }
  /** Once something was missing, the rest of the image is probably confidential, too. */
  function fetch(request: (client: HttpClient) => void): void {
    followServer();
    if (!isConfidential && !closed.isOpen()) {
      try {
        fetchOpenly(request);
        return;
      } catch (error) {
        if (statusIn(error) !== notFound) throw error;
      }
    }
    closed.fetch(request);
  }
  return {
    closedPort,
    prefer: ({ images, confidential }) => {
      followServer();
      if (isConfidential !== (confidential !== undefined)) closed.close();
      isConfidential = confidential !== undefined;
      closedPort.announce(confidential);
      if (images === preferred?.port) return;
      preferred?.client.close();
      preferred = images === undefined ? undefined : { port: images, client: openHttp({ ...contents, port: images }) };
    },
    get: (path, onBytes, from) => fetch((client) => client.get(path, onBytes, from)),
    post: (path, bodyText, onBytes) => fetch((client) => client.post(path, bodyText, onBytes)),
    close: () => {
      bootServer.close();
      preferred?.client.close();
      closed.close();
    },
  };
}

/** Contents over TLS. */
function openClosedServer({ settings }: SubContext, port: ClosedPort) {
  let open: { readonly port: number; readonly client: HttpClient } | undefined;

  function close(): void {
    open?.client.close();
    open = undefined;
  }
  function clientNow(): HttpClient {
    const server = port.server();
    if (open?.port === server.port) return open.client;
    close();
    const client = openPrivateHttp(server, settings.token);
    open = { port: server.port, client };
    return client;
  }
  return {
    isOpen: () => open !== undefined,
    close,
    fetch: (request: (client: HttpClient) => void) => {
      try {
        request(clientNow());
        port.ended(undefined);
      } catch (error) {
        // The next request begins anew, with the authorities that are trusted then.
        close();
        port.ended(error);
        throw error;
      }
    },
  };
}
