import type { ImageSummary } from "../../core/image/manifest.ts";
import type { PackServers, SubPolicy } from "../../core/image/update/directive.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { ImageStore } from "../storage/image-store.ts";
import type { FindInStores } from "../storage/packs/find-in-packs.ts";
import type { DominatorTasks } from "../thread/tasks.ts";
import type { AgentUpgrades } from "./agent-upgrades.ts";
import type { FetchTurns } from "./fetch-turns.ts";
import type { Reboots } from "./reboots.ts";
import type { ReportSlots } from "./report-slots.ts";

type SubStore = Pick<Store, "get" | "unreadableWith" | "apply" | "addLog" | "noteProgress">;
type SubImages = Pick<ImageStore, "refresh" | "get" | "pathOf">;

export type SubAppInput = {
  readonly store: SubStore;
  readonly images: SubImages;
  readonly tasks: Pick<DominatorTasks, "readPoll">;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
  /** The certificate authorities of this MDB, PEM texts one after the other. */
  readonly caPem: string;
  /** The intervals of polls for the fleet as it is now. */
  readonly policy?: () => SubPolicy;
  readonly reportSlots?: ReportSlots;
  /** Who fetches now; told when a machine does not any more. */
  readonly fetchTurns?: Pick<FetchTurns, "ended" | "seed" | "seedsNoMore" | "restarts">;
  /** An external Dominator updates the machines after their first image. */
  readonly othersUpdate?: boolean;
  /** Where contents are in packs, and the servers of packs for a machine, best first; without it, contents come one by one. */
  readonly packs?: ServedPacks;
  /** All addresses of the MDB for the machines of a network, the own first; undefined where there is one server only. */
  readonly mdbsOn?: (network: string) => readonly string[] | undefined;
  /** Whose turn it is to restart for an operator. */
  readonly reboots?: Reboots;
  /** Absent where the server has no agent of its own to hand out. */
  readonly agentUpgrades?: AgentUpgrades;
};

/** Where contents are in packs, and who has them for a machine that fetches a public or a confidential image. */
export type ServedPacks = {
  readonly find: FindInStores;
  readonly serversFor: (id: MachineId, image: Pick<ImageSummary, "confidential">) => PackServers;
};
