import type { Config } from "../contract/config/schema.ts";
import { formatEndpoint } from "../core/net/endpoint.ts";
import type { Network } from "../core/network/network.ts";
import {
  addressesOn,
  aliveEveryMs,
  noOtherMdbs,
  type OtherMdbs,
  otherMdbsOf,
  siteServer,
} from "../core/network/site-server.ts";
import type { Clock, Log, Store } from "../core/ports.ts";
import { startInterval } from "./timer.ts";

/** The servers that share a database, each recorded by itself. */
export type SiteServers = Disposable & {
  /** Where machines of a network find the MDB if this server does not answer. */
  readonly othersOn: (network: string) => OtherMdbs;
  /** All addresses of the MDB for machines with a permanent address, the own first; undefined on a network that is not served. */
  readonly permanentOn: (network: string) => readonly string[] | undefined;
};

/** A record this old belongs to a server that is gone. */
const goneMs = 30 * 86_400_000;
const by = "server";

/** The name of a server's record: its address on its first network, `ADDRESS:PORT`. */
export function siteServerKey({ serverAddress }: Pick<Network, "serverAddress">, port: number): string {
  return formatEndpoint({ address: serverAddress, port });
}

/** Records this server, now and from time to time, where its database is one that several servers can use. */
export function openSiteServers(deps: {
  readonly config: Pick<Config, "networks" | "ports" | "database">;
  readonly store: Pick<Store, "documents" | "putDocument" | "dropDocument">;
  readonly clock: Clock;
  readonly log: Log;
}): SiteServers {
  const { config, store, clock, log } = deps;
  const { networks, ports } = config;
  const [first] = networks;
  if (config.database === undefined || first === undefined)
    return { othersOn: () => noOtherMdbs, permanentOn: () => undefined, [Symbol.dispose]: () => {} };
  const key = siteServerKey(first, ports.machines);
  const own = siteServer(networks, ports.machines, clock.nowMs());

  async function sayAlive(): Promise<void> {
    const nowMs = clock.nowMs();
    await store.putDocument({ kind: "siteServer", key, document: { ...own, aliveAtMs: nowMs }, by });
    for (const { key: other, document } of store.documents("siteServer"))
      if (nowMs - document.aliveAtMs > goneMs) await store.dropDocument({ kind: "siteServer", key: other, by });
  }
  const sayOrLog = () =>
    void sayAlive().catch((error: unknown) =>
      log("warn", "recording this server failed; it is tried again", { error: String(error) }),
    );
  sayOrLog();
  const stop = startInterval(clock, aliveEveryMs, sayOrLog);
  const othersOn = (network: string): OtherMdbs => {
    const servers = store.documents("siteServer").map(({ document }) => document);
    return otherMdbsOf(servers, { own, network, nowMs: clock.nowMs() });
  };
  return {
    othersOn,
    permanentOn: (network) => {
      const ours = addressesOn(own, network);
      if (ours === undefined) return undefined;
      const others = othersOn(network);
      const isTagged = networks.find(({ name }) => name === network)?.permanent?.vlan !== undefined;
      // A machine that is being born reaches a tagged network only later.
      const now = isTagged ? [ours.temporary, ...others.temporary.map(formatEndpoint)] : [];
      return [ours.permanent, ...others.permanent.map(formatEndpoint), ...now];
    },
    [Symbol.dispose]: stop,
  };
}
