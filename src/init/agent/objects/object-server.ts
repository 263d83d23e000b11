import * as host from "host";
import { readText } from "../../beneath/files.ts";
import { type HttpClient, openHttp, statusIn } from "../../system/http.ts";
import { openPrivateHttp } from "../../system/https.ts";
import { agentPaths } from "../paths.ts";
import { endpointOf } from "../settings.ts";
import type { SubContext } from "../sub-context.ts";

const notFound = 404;
/** A port that failed is left alone for this long. */
const restMs = 600_000;

/** A client for contents that can be told of a port beside that of the settings. */
export type ObjectServer = HttpClient & { readonly prefer: (port: number | undefined) => void };

/**
 * The server's contents: over plain HTTP the public ones, and over TLS with the machine's credential those that are missing there, because
 * they belong to a confidential image. A forged answer on the plain port gains nothing: each content is verified by its hash.
 */
export function openObjectServer({ root, settings }: SubContext): ObjectServer {
  const { address, port } = endpointOf(settings.http);
  const bootServer = openHttp({ address, port });
  let closed: HttpClient | undefined;
  let preferred: { readonly port: number; readonly client: HttpClient } | undefined;
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

  function close(): void {
    closed?.close();
    closed = undefined;
  }
  /** Once something was missing, the rest of the image is probably confidential, too. */
  function fetch(request: (client: HttpClient) => void): void {
    if (closed === undefined) {
      try {
        fetchOpenly(request);
        return;
      } catch (error) {
        if (statusIn(error) !== notFound) throw error;
      }
      const caPem = readText(root, agentPaths.caCertificate);
      closed = openPrivateHttp({ ...endpointOf(settings.mdb), serverName: settings.serverName, caPem }, settings.token);
    }
    try {
      request(closed);
    } catch (error) {
      // The next request begins anew, with the authorities that are trusted then.
      close();
      throw error;
    }
  }
  return {
    prefer: (port) => {
      if (port === preferred?.port) return;
      preferred?.client.close();
      preferred = port === undefined ? undefined : { port, client: openHttp({ address, port }) };
    },
    get: (path, onBytes, from) => fetch((client) => client.get(path, onBytes, from)),
    post: (path, bodyText, onBytes) => fetch((client) => client.post(path, bodyText, onBytes)),
    close: () => {
      bootServer.close();
      preferred?.client.close();
      close();
    },
  };
}
