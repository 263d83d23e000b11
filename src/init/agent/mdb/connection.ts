import * as host from "host";
import { maxSubMessageBytes } from "../../../contract/sub.ts";
import { isOfServer } from "../../../core/birth/retry.ts";
import { readText } from "../../beneath/files.ts";
import { type HttpsAnswer, openHttps } from "../../system/https.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import type { MdbServers } from "./servers.ts";
import { endpointOf } from "./settings.ts";
import { confirmTrust, revertTrust, trustedHash } from "./trust.ts";

/** Pause before authorities are accepted again with which the server was not reached: it may just have restarted. */
const trustAgainMs = 3_600_000;

/** The agent's connection to the MDB, which follows the authorities that the machine trusts. */
export type MdbConnection = {
  /** Sends a request with the machine's credential, over a new connection if other authorities are trusted now. */
  readonly post: (path: string, request: object) => HttpsAnswer;
  /** The hash of the trusted authorities; undefined while the server is not to hand out others. */
  readonly authorities: () => string | undefined;
};

/** Connects at the first request, and to the next server after a failed one. */
export function openMdbConnection({ root, settings, log }: SubContext, servers: MdbServers): MdbConnection {
  const open = () =>
    openHttps({
      ...endpointOf(servers.current()),
      caPem: readText(root, agentPaths.caCertificate),
      serverName: settings.serverName,
      maxAnswerBytes: maxSubMessageBytes,
    });
  let mdb = open();
  let openedWith = trustedHash(root);
  let openedTo = servers.current();
  /** Until when the server is not asked for authorities again, because it was not reached with those it handed out. */
  let givenUpUntilMs = Number.NEGATIVE_INFINITY;
  function post(path: string, request: object): HttpsAnswer {
    const trusted = trustedHash(root);
    if (trusted !== openedWith || servers.current() !== openedTo) {
      mdb.close();
      mdb = open();
      openedWith = trusted;
      openedTo = servers.current();
    }
    try {
      const answer = mdb.post(path, request, settings.token);
      confirmTrust(root);
      if (isOfServer(answer.status)) servers.turnToNext();
      return answer;
    } catch (error) {
      servers.turnToNext();
      if (revertTrust(root)) {
        givenUpUntilMs = host.monotonicMs() + trustAgainMs;
        log("warn", "the server was not reached with new authorities; the former ones are trusted again");
      }
      throw error;
    }
  }

  return { post, authorities: () => (host.monotonicMs() < givenUpUntilMs ? undefined : trustedHash(root)) };
}
