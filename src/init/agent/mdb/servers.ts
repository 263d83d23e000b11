import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { replaceBytes } from "../../beneath/files.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import { endpointOf, readSubSettings } from "./settings.ts";

/** Most servers that are kept: each that does not answer costs a time-out. */
const keptLimit = 9;

/** The servers at which the agent finds the MDB, one of them at a time. */
export type MdbServers = {
  /** `ADDRESS:PORT` of the one that is asked now. */
  readonly current: () => string;
  /** Where that server has contents over plain HTTP: all have them at the same port. */
  readonly contents: () => { readonly address: string; readonly port: number };
  /** The server failed: the next one is asked from now on. */
  readonly turnToNext: () => void;
  /** A server named all of them, itself first: kept on the disk, so that the machine finds them after a restart. */
  readonly keep: (mdbs: readonly string[]) => void;
};

/** The servers of the settings; begins with the one that made this machine. */
export function openMdbServers({ root, settings, log }: Pick<SubContext, "root" | "settings" | "log">): MdbServers {
  let servers: readonly string[] = [settings.mdb, ...(settings.otherMdbs ?? [])].slice(0, keptLimit);
  let asked = settings.mdb;
  const http = endpointOf(settings.http);
  const contentsOf = (server: string) =>
    server === settings.mdb ? http : { ...http, address: endpointOf(server).address };
  return {
    current: () => asked,
    contents: () => contentsOf(asked),
    turnToNext: () => {
      const next = servers[(servers.indexOf(asked) + 1) % servers.length];
      if (next === undefined || next === asked) return;
      log("warn", "the server does not answer; the next one is asked", { server: asked, next });
      asked = next;
    },
    keep: (mdbs) => {
      const named = [...new Set(mdbs)].slice(0, keptLimit);
      if (named.length === 0 || sameMembers(named, servers)) return;
      const [mdb = asked, ...otherMdbs] = named;
      const { address, port } = contentsOf(mdb);
      const changed = { ...readSubSettings(root), mdb, otherMdbs, http: `${address}:${port}` };
      servers = named;
      replaceBytes(root, agentPaths.settings, encodeUtf8(`${JSON.stringify(changed, null, 2)}\n`), 0o600);
      log("info", "the servers of the MDB have changed", { servers: named });
    },
  };
}

/** Each server names itself first: only another set is a change. */
function sameMembers(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each) => others.includes(each));
}
