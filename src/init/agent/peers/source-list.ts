import * as host from "host";
import type { Source } from "../../../core/distribution/distribution.ts";

/** After this time, a machine that was full or had nothing is asked again. */
const skippedMs = 3000;
/** The contract's limit of failures in one request. */
const maxReported = 16;
/** More machines are never named for one fetch, except by a server at fault. */
const maxFailed = 1000;

/** The machines that the server named as sources of a fetch, and what became of them. */
export type SourceList = {
  /** The server names the machines to ask from now on, best first. */
  readonly named: (sources: readonly Source[]) => void;
  /** Whom to ask now; undefined if all of them failed. */
  readonly best: () => Source | undefined;
  /** Whether one of them will be asked again that was full or had nothing. */
  readonly isAnySkipped: () => boolean;
  /** A machine gave less than it should. One that is to blame is not asked again, and the server hears of it. */
  readonly failed: (machineId: string, isToBlame: boolean) => void;
  /** Machines that are to blame, of which the server does not know yet. */
  readonly unreported: () => readonly string[];
  /** The server has heard of these. */
  readonly reported: (machineIds: readonly string[]) => void;
};

/** No machine is named yet. */
export function openSourceList(): SourceList {
  let sources: readonly Source[] = [];
  const failed = new Set<string>();
  const skippedUntilMs = new Map<string, number>();
  let unreported: readonly string[] = [];
  const isUsable = ({ machineId }: Source) =>
    !failed.has(machineId) && host.monotonicMs() >= (skippedUntilMs.get(machineId) ?? 0);
  return {
    named: (named) => {
      sources = named;
    },
    best: () => sources.find(isUsable),
    isAnySkipped: () => sources.some((source) => !failed.has(source.machineId) && !isUsable(source)),
    failed: (machineId, isToBlame) => {
      if (failed.size + skippedUntilMs.size >= maxFailed) sources = [];
      else if (!isToBlame) skippedUntilMs.set(machineId, host.monotonicMs() + skippedMs);
      else {
        failed.add(machineId);
        unreported = [...unreported, machineId];
      }
    },
    unreported: () => unreported.slice(0, maxReported),
    reported: (machineIds) => {
      unreported = unreported.filter((machineId) => !machineIds.includes(machineId));
    },
  };
}
