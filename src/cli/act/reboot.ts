import type { Command } from "commander";
import { usualPace } from "../../core/fleet/reboot-pace.ts";
import { failure } from "../api/failure.ts";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** What an operator says of the pace of restarts. */
export type PaceOptions = { readonly atOnce?: string; readonly perRack?: string };

/** Adds `reboot`: restarts machines through their agents. */
export function rebootCommand(program: Command): void {
  const command = program
    .command("reboot [name...]")
    .description("restart machines through their agents, a few at a time; birther cancel cancels it");
  actOptions(paceOptions(command), "loses").action(async (names: string[], options: ActOptions & PaceOptions) => {
    const { atOnce, perRack, ...rest } = options;
    const verb = {
      action: { action: "reboot", ...paceOf({ atOnce, perRack }) } as const,
      loses: "it restarts when its turn comes",
      done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: restarts when its turn comes`,
    };
    await act(names, verb, rest);
  });
}

/** Adds the options that say how many machines restart at the same time. */
export function paceOptions(command: Command): Command {
  return command
    .option("--at-once <count>", `limit of machines that are away at the same time (default: ${usualPace.atOnce})`)
    .option("--per-rack <count>", `the same for one rack (default: ${usualPace.perRack})`);
}

/** The limits as numbers; those that are not given are the server's. */
export function paceOf({ atOnce, perRack }: { [K in keyof PaceOptions]: PaceOptions[K] | undefined }) {
  return {
    ...(atOnce === undefined ? {} : { atOnce: countOf("--at-once", atOnce) }),
    ...(perRack === undefined ? {} : { perRack: countOf("--per-rack", perRack) }),
  };
}

function countOf(option: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw failure("misused", `${option}: expected a number of machines from 1 to 9999, found ${text}`);
}
