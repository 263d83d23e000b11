import { checkInterfaces } from "../../boot-server/socket/check-interfaces.ts";
import type { Config } from "../../contract/config/schema.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import { openImageStore } from "../../dominator/storage/image-store.ts";
import { openTaskThread } from "../../dominator/thread/thread.ts";
import { openExports } from "../../mdb/exports/exports.ts";
import { readyChecks } from "../../mdb/exports/ready-checks.ts";
import { meterStore } from "../../mdb/exports/store-meter.ts";
import { settleStreams } from "../../mdb/image-streams/first-current.ts";
import { modelsOf } from "../../mdb/models.ts";
import { backupsIn } from "../../mdb/operator-api/backup-stream.ts";
import { openWatch, watchRulesOf } from "../../mdb/watch/open-watch.ts";
import { openActTaker } from "../acts/take-acts.ts";
import { pathsIn } from "../paths.ts";
import { systemClock, systemRandom } from "../system-ports.ts";
import { version } from "../version.ts";
import { addressesOf, contentsIn, deadlineRulesOf, planOf, type Shared } from "./shared.ts";
import { startForMachines } from "./start-for-machines.ts";
import { startForOperators } from "./start-for-operators.ts";
import { openState } from "./state.ts";

export type RunningServer = AsyncDisposable & {
  readonly store: Store;
  /** The operators' socket, where `birther machines` and the other verbs find the server. */
  readonly operatorSocket: string;
};

/**
 * Starts MDB, Boot Server and Dominator for these networks. Needs the files that `prepareServer` made in the state
 * directory, and no network but the machines'. Throws, with nothing left running, when a part cannot start.
 */
export async function startServer(options: {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Makes what is missing in the state directory, once it belongs to this process; machines trust `caPem`. */
  readonly prepare?: (caPem: string) => Promise<void>;
  /** Where browsers find the dashboard, if not at this computer's addresses. */
  readonly dashboardBases?: readonly string[];
}): Promise<RunningServer> {
  const { config, log, clock = systemClock, random = systemRandom } = options;
  const paths = pathsIn(config.stateDirectory);
  await checkInterfaces(config.networks);

  await using opened = new AsyncDisposableStack();
  const { store: database, trust } = opened.use(await openState({ config, clock, log }));
  const { store, meter } = meterStore(database, clock);
  await options.prepare?.(trust.caPem);
  const tasks = opened.use(openTaskThread(contentsIn(paths)));
  const images = await openImageStore(paths.images, { tasks, log });
  // Also those that cannot be read: no machine moves back to the version before.
  await settleStreams({ store, clock, log }, images.known());
  const shared: Shared = { config, paths, trust, store, models: modelsOf(store), images, clock, random, log };
  // Before packets arrive: reading the whole fleet takes a moment. It also ends after the Boot Server does, and so
  // hears of what arrives last.
  opened.use(await openWatch({ store, config, rules: watchRulesOf(config), clock, random, log }));
  const { look: takeActs } = opened.use(await openActTaker({ directory: paths.acts, store, log }));
  const { bootServer, dominator, listImages, otherLogs } = await startForMachines(shared, tasks, opened);
  const { networks, traffic } = bootServer;
  const boot = { networks, traffic };
  const checks = readyChecks({
    ...{ stateDirectory: config.stateDirectory, addresses: addressesOf(config), ports: config.ports },
    ...{ networks, store, meter, clock, files: [paths.kernel, paths.initramfs] },
  });
  const exports = opened.use(
    openExports({
      store,
      clock,
      version,
      dominator,
      boot,
      meter,
      checks,
      plan: planOf(config),
      ...deadlineRulesOf(config),
    }),
  );
  const backup = backupsIn(config.stateDirectory, database);
  const { dashboardBases: bases } = options;
  await startForOperators(
    shared,
    { bootServer, exports, backup, takeActs, listImages, otherLogs, tasks, bases },
    opened,
  );

  const running = opened.move();
  return {
    store,
    operatorSocket: paths.operatorSocket,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
