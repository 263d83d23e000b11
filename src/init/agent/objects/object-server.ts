import { readText } from "../../beneath/files.ts";
import { type HttpClient, openHttp, statusIn } from "../../system/http.ts";
import { openPrivateHttp } from "../../system/https.ts";
import { agentPaths } from "../paths.ts";
import { endpointOf } from "../settings.ts";
import type { SubContext } from "../sub-context.ts";

const notFound = 404;

/**
 * The server's contents: over plain HTTP the public ones, and over TLS with the machine's credential those that are missing there, because
 * they belong to a confidential image. A forged answer on the plain port gains nothing: each content is verified by its hash.
 */
export function openObjectServer({ root, settings }: SubContext): HttpClient {
  const open = openHttp(endpointOf(settings.http));
  let closed: HttpClient | undefined;

  function close(): void {
    closed?.close();
    closed = undefined;
  }
  /** Once something was missing, the rest of the image is probably confidential, too. */
  function fetch(request: (client: HttpClient) => void): void {
    if (closed === undefined) {
      try {
        request(open);
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
    get: (path, onBytes) => fetch((client) => client.get(path, onBytes)),
    post: (path, bodyText, onBytes) => fetch((client) => client.post(path, bodyText, onBytes)),
    close: () => {
      open.close();
      close();
    },
  };
}
