import { Agent, request } from "node:https";
import { copyPaths } from "../../contract/copies.ts";
import { serverName } from "../../contract/machine/paths.ts";
import { type LogLine, readLogLines } from "../../core/machine/log-line.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { namedServers } from "../../core/network/site-server.ts";
import type { Clock, Store } from "../../core/ports.ts";

/** The lines of a machine that the other servers of the database keep, and the servers that did not answer. */
export type OtherLogs = (id: MachineId) => Promise<{
  readonly lines: readonly LogLine[];
  /** `ADDRESS:PORT`. */
  readonly unreached: readonly string[];
}>;

/** An answer takes at most this long; the operator waits meanwhile. */
const answerMs = 3000;
/** A server that did not answer is asked again after this time: `log --follow` asks each second. */
const askAgainMs = 30_000;
/** More than any server keeps of a machine. */
const mostBytes = 4 << 20;

/** Asks all other servers at the same time; `self` is this one's record, `ADDRESS:PORT`. */
export function openOtherLogs(of: {
  readonly store: Pick<Store, "documents">;
  readonly self: string;
  readonly secret: string;
  readonly caPem: string;
  readonly clock: Clock;
}): OtherLogs {
  const { store, self, clock, ...access } = of;
  const failedAtMs = new Map<string, number>();
  const ask = async (server: string, id: MachineId): Promise<readonly LogLine[] | undefined> => {
    const failed = failedAtMs.get(server);
    if (failed !== undefined && clock.monotonicMs() - failed < askAgainMs) return undefined;
    try {
      const lines = readLogLines(await fetchLog(server, id, access));
      failedAtMs.delete(server);
      return lines;
    } catch {
      failedAtMs.set(server, clock.monotonicMs());
      return undefined;
    }
  };
  return async (id) => {
    const servers = namedServers(store.documents("siteServer"), clock.nowMs()).filter((server) => server !== self);
    const answers = await Promise.all(servers.map((server) => ask(server, id)));
    return {
      lines: answers.flatMap((lines) => lines ?? []),
      unreached: servers.filter((_, at) => answers[at] === undefined),
    };
  };
}

type Access = { readonly secret: string; readonly caPem: string };

async function fetchLog(server: string, id: MachineId, { secret, caPem }: Access): Promise<string> {
  const [host = "", port = ""] = server.split(":");
  const agent = new Agent({ ca: caPem, servername: serverName });
  try {
    return await new Promise<string>((resolve, reject) => {
      const path = `${copyPaths.log}${encodeURIComponent(id)}`;
      const headers = { authorization: `Bearer ${secret}` };
      const signal = AbortSignal.timeout(answerMs);
      const asked = request({ ...{ agent, host, port, path, headers, signal } }, async (answer) => {
        try {
          if (answer.statusCode !== 200) throw new Error(`expected status 200, found ${answer.statusCode}`);
          const pieces: Buffer[] = [];
          let bytes = 0;
          for await (const piece of answer) {
            pieces.push(piece as Buffer);
            bytes += (piece as Buffer).length;
            if (bytes > mostBytes) throw new Error(`expected at most ${mostBytes} bytes, found more`);
          }
          resolve(Buffer.concat(pieces).toString());
        } catch (error) {
          answer.destroy();
          reject(error);
        }
      });
      asked.on("error", reject).end();
    });
  } finally {
    agent.destroy();
  }
}
