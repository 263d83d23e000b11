import * as host from "host";
import { readText } from "../../beneath/files.ts";
import { type HttpClient, openHttp, statusIn } from "../../system/http.ts";
import { type HttpsServer, openPrivateHttp } from "../../system/https.ts";
import { agentPaths } from "../paths.ts";
import { endpointOf } from "../settings.ts";
import type { SubContext } from "../sub-context.ts";

const notFound = 404;
/** A port that failed is left alone for this long. */
const restMs = 600_000;

/** After this many failures in a row, the port for machines is asked instead of that for confidential images, for a while. */
const triesAtClosedPort = 3;
/** Short, because all machines together are slow at the port for machines, and a process that was started again serves at once. */
const closedRestMs = 30_000;

/** Where the server has contents, beside the ports of the settings: public ones, or confidential ones over TLS. */
export type ServerPorts = { readonly images?: number | undefined; readonly confidential?: number | undefined };

/** A client for contents that can be told of the server's other ports. */
export type ObjectServer = HttpClient & { readonly prefer: (ports: ServerPorts) => void };

/**
 * The server's contents: over TLS with the machine's credential if they are confidential, otherwise over plain HTTP. A server of an
 * earlier version does not say what is confidential: what is missing over plain HTTP is then asked for over TLS. A forged answer on the plain port gains nothing: each content is verified by its hash.
 */
export function openObjectServer(context: SubContext): ObjectServer {
  const { address, port } = endpointOf(context.settings.http);
  const bootServer = openHttp({ address, port });
  const closed = openClosedServer(context);
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
  /** Once something was missing, the rest of the image is probably confidential, too. */
  function fetch(request: (client: HttpClient) => void): void {
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
    prefer: ({ images, confidential }) => {
      isConfidential = confidential !== undefined;
      closed.prefer(confidential);
      if (images === preferred?.port) return;
      preferred?.client.close();
      preferred = images === undefined ? undefined : { port: images, client: openHttp({ address, port: images }) };
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

/** A port of the server that is asked over TLS, with the authorities that are trusted now. */
export function closedServer({ root, settings }: SubContext, port = endpointOf(settings.mdb).port): HttpsServer {
  const { address } = endpointOf(settings.mdb);
  return { address, port, serverName: settings.serverName, caPem: readText(root, agentPaths.caCertificate) };
}

/** Contents over TLS, at the port for confidential images while it answers, otherwise at that for machines. */
function openClosedServer(context: SubContext) {
  const { settings } = context;
  let open: { readonly port: number; readonly client: HttpClient } | undefined;
  let told: number | undefined;
  let failures = 0;
  let restUntilMs = 0;

  function close(): void {
    open?.client.close();
    open = undefined;
  }
  function clientNow(): HttpClient {
    const machines = endpointOf(settings.mdb).port;
    const port = told === undefined || host.monotonicMs() < restUntilMs ? machines : told;
    if (open?.port === port) return open.client;
    close();
    const client = openPrivateHttp(closedServer(context, port), settings.token);
    open = { port, client };
    return client;
  }
  return {
    isOpen: () => open !== undefined,
    close,
    /** The port for confidential images; undefined if what follows is public, or the server has none. */
    prefer: (port: number | undefined) => {
      if (port !== told) close();
      told = port;
    },
    fetch: (request: (client: HttpClient) => void) => {
      try {
        request(clientNow());
        failures = 0;
      } catch (error) {
        // The next request begins anew, with the authorities that are trusted then.
        close();
        failures = statusIn(error) === undefined ? failures + 1 : 0;
        if (failures >= triesAtClosedPort) restUntilMs = host.monotonicMs() + closedRestMs;
        throw error;
      }
    },
  };
}
