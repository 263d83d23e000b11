import * as host from "host";
import type { Source } from "../../../core/distribution/distribution.ts";
import type { FetchTurn } from "../../../core/uplink/fetch-turn.ts";
import { endpointOf } from "../mdb/settings.ts";
import type { Peer } from "./fetch-from-peer.ts";

/** After this time, a machine that was full or had nothing is asked again. */
const skippedMs = 3000;
/** The contract's limit of failures in one request. */
const maxReported = 16;
/** More machines are never named for one fetch, except by a server at fault. */
const maxFailed = 1000;

/** Another machine as a source. */
export type NamedPeer = Peer & {
  readonly machineId: string;
  /** It is one of several to fetch from at the same time. */
  readonly isAtOnce: boolean;
};

/** The machines that the server named as sources of a fetch, and what became of them. */
export type SourceList = {
  /** The server names the machines to ask from now on, best first. */
  readonly named: (turn: Pick<Extract<FetchTurn, { kind: "go" }>, "sources" | "peerKeys">) => void;
  /** Whom to ask now; undefined if all of them failed. */
  readonly best: () => NamedPeer | undefined;
  /** Whom to ask at the same time; none or one of them: one source after the other. */
  readonly atOnce: () => readonly NamedPeer[];
  /** Whether one of them will be asked again that was full or had nothing. */
  readonly isAnySkipped: () => boolean;
  /**
   * A machine gave less than it should. One that is to blame is not asked again, and the server hears of it; one that is of no use is
   * not asked again, either; one that is unready is asked again soon.
   */
  readonly failed: (machineId: string, why: "toBlame" | "noUse" | "unready") => void;
  /** Machines that are to blame, of which the server does not know yet. */
  readonly unreported: () => readonly string[];
  /** The server has heard of these. */
  readonly reported: (machineIds: readonly string[]) => void;
};

/** No machine is named yet. */
export function openSourceList(): SourceList {
  let sources: readonly NamedPeer[] = [];
  const failed = new Set<string>();
  const skippedUntilMs = new Map<string, number>();
  let unreported: readonly string[] = [];
  const isUsable = ({ machineId }: NamedPeer) =>
    !failed.has(machineId) && host.monotonicMs() >= (skippedUntilMs.get(machineId) ?? 0);
  return {
    named: ({ sources: named = [], peerKeys: [key] = [] }) => {
      sources = key === undefined ? [] : named.map((source) => namedPeer(source, key));
    },
    best: () => sources.find(isUsable),
    atOnce: () => sources.filter((source) => source.isAtOnce && isUsable(source)),
    isAnySkipped: () => sources.some((source) => !failed.has(source.machineId) && !isUsable(source)),
    failed: (machineId, why) => {
      if (failed.size + skippedUntilMs.size >= maxFailed) sources = [];
      else if (why === "unready") skippedUntilMs.set(machineId, host.monotonicMs() + skippedMs);
      else {
        const isKnown = unreported.includes(machineId);
        failed.add(machineId);
        if (why === "toBlame" && !isKnown) unreported = [...unreported, machineId];
      }
    },
    unreported: () => unreported.slice(0, maxReported),
    reported: (machineIds) => {
      unreported = unreported.filter((machineId) => !machineIds.includes(machineId));
    },
  };
}

function namedPeer({ machineId, endpoint, bytesPerSecond = 0, atOnce }: Source, key: string): NamedPeer {
  return { machineId, key, isAtOnce: atOnce === true, expectedBytesPerSecond: bytesPerSecond, ...endpointOf(endpoint) };
}
