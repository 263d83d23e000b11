import * as host from "host";
import { readText } from "../../beneath/files.ts";
import { statusIn } from "../../system/http.ts";
import type { HttpsServer } from "../../system/https.ts";
import type { MdbServers } from "../mdb/servers.ts";
import { endpointOf } from "../mdb/settings.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";

/**
 * After this many failures in a row, the port for confidential images is left alone for a while. One that worked before probably does so
 * again at once: its process was started again, and all machines together are slow at the port for machines. One that never did may be
 * closed by a firewall.
 */
const rests = {
  worked: { failures: 3, restMs: 30_000 },
  neverWorked: { failures: 1, restMs: 120_000 },
} as const;

/** Where the server has confidential contents over TLS: at their own port while it answers, otherwise at that for machines. */
export type ClosedPort = {
  /** The port that the server has announced; undefined if what follows is public, or it has none. */
  readonly announce: (port: number | undefined) => void;
  /** The server as it is to be asked now, with the authorities that are trusted now. */
  readonly server: () => HttpsServer;
  /** Whether that is the port that has packs. */
  readonly hasPacks: () => boolean;
  /** Notes how a request ended: well if `fault` is undefined. */
  readonly ended: (fault: unknown) => void;
};

export function openClosedPort({ root, settings }: SubContext, servers: Pick<MdbServers, "current">): ClosedPort {
  const { serverName } = settings;
  let announced: number | undefined;
  let hasWorked = false;
  let failures = 0;
  let restUntilMs = 0;
  const isAsked = () => announced !== undefined && host.monotonicMs() >= restUntilMs;

  return {
    announce: (port) => {
      if (port !== announced) hasWorked = false;
      announced = port;
    },
    server: () => {
      const { address, port: machines } = endpointOf(servers.current());
      return {
        ...{ address, serverName, caPem: readText(root, agentPaths.caCertificate) },
        port: isAsked() ? (announced ?? machines) : machines,
      };
    },
    hasPacks: () => isAsked() && announced !== endpointOf(servers.current()).port,
    ended: (fault) => {
      if (!isAsked()) return;
      const isAnswered = fault === undefined || statusIn(fault) !== undefined;
      hasWorked ||= isAnswered;
      failures = isAnswered ? 0 : failures + 1;
      const { failures: most, restMs } = hasWorked ? rests.worked : rests.neverWorked;
      if (failures < most) return;
      failures = 0;
      restUntilMs = host.monotonicMs() + restMs;
    },
  };
}
