import type { Config } from "../contract/config.ts";
import type { WatchRules } from "../core/machine/vigilance.ts";

/** How machines are watched: as configured; init may stay in its burn-in as much longer as the burn-in is told to compute. */
export function watchRulesOf({ watch, burnIn }: Pick<Config, "watch" | "burnIn">): WatchRules {
  const { deadlines, boots, bootsWithinSeconds, burnInAttempts } = watch;
  return {
    deadlineSeconds: { ...deadlines, initUp: deadlines.initUp + burnIn.cpuSeconds },
    ...{ boots, bootsWithinSeconds, burnInAttempts },
  };
}
