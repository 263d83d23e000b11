import type { Config } from "../../contract/config/schema.ts";
import { othersUpdate } from "../../contract/config/updates.ts";
import { plannedSeconds } from "../../core/burn-in/profile.ts";
import type { WatchRules } from "../../core/machine/health/stall-detection.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import { openFleetWatch } from "./fleet-watch.ts";
import { openNotices } from "./notices.ts";
import { probeAddress } from "./probe-address.ts";
import { readWebhook } from "./webhook-secret.ts";
import { openCalls } from "./webhooks.ts";

/**
 * How machines are watched: as configured, with the deadlines of both parts of the burn-in extended by its configured times.
 * The root disk is tested once the place is accepted.
 */
export function watchRulesOf({ watch, burnIn, exports }: Pick<Config, "watch" | "burnIn" | "exports">): WatchRules {
  const { deadlines, boots, bootsWithinSeconds, burnInAttempts } = watch;
  return {
    deadlineSeconds: {
      ...deadlines,
      initUp: deadlines.initUp + plannedSeconds(burnIn),
      placed: deadlines.placed + burnIn.diskSeconds,
    },
    ...{ boots, bootsWithinSeconds, burnInAttempts, othersUpdate: othersUpdate({ exports }) },
  };
}

/**
 * Opens the watch over the fleet and its notifications; disposing ends them. Throws when a webhook's secret cannot be
 * read.
 */
export async function openWatch(deps: {
  readonly store: Store;
  readonly config: Config;
  readonly rules: WatchRules;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): Promise<AsyncDisposable> {
  const { store, config, clock, random, log } = deps;
  const { webhooks: paths, repair } = config.watch;
  await using opened = new AsyncDisposableStack();
  const webhooks = await Promise.all(paths.map(readWebhook));
  if (webhooks.length > 0) {
    const calls = opened.use(openCalls({ store, webhooks, clock, random, log }));
    opened.use(await openNotices({ store, calls, log }));
  }
  opened.use(openFleetWatch({ ...deps, ...(repair === undefined ? {} : { repair, probe: probeAddress }) }));
  return opened.move();
}
