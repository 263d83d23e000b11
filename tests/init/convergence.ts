import type { TestMachine, Trial } from "./machine.ts";

/** More boots than any recovery from a power cut needs. */
const mostBoots = 6;

/** Boots a machine without troubles until it runs an image; returns its result and the number of boots. */
export function comeUp(
  machine: TestMachine,
  trial: Trial = {},
): { readonly isUp: boolean; readonly boots: number; readonly why: string } {
  let why = "";
  for (let boots = 1; boots <= mostBoots; boots += 1) {
    const { end } = machine.boot(trial);
    const { phase, conditions, state } = machine.site.machine(machine.board.facts.mac);
    const failing = conditions.find(({ kind }) => kind === "failing");
    if (state === "healthy" && phase === "up" && failing === undefined) return { isUp: true, boots, why: "" };
    why = `${end.kind}${end.kind === "stopped" ? `: ${end.why}` : ""}; ${phase}; ${failing?.reason ?? "no condition"}`;
  }
  return { isUp: false, boots: mostBoots, why };
}

/**
 * Calls that change something permanent: on a disk, in NVRAM, on a server. All cuts between two of them are equivalent.
 */
const changing =
  /^(create|write|remove|rename|mkdir|symlink|chmod|chown|link|makeNode|setTimes|setxattr|removexattr|mount|unmount|sync|fsync|setImmutable|rereadPartitions|flushDeviceCache|tlsWrite|tlsRead|exec|switchRoot|reboot) /;
/** Writes that are only displayed, or stay in memory. */
const passing = /^(write|create) (\/dev\/(tty|watchdog)|pipe|temporary|standard)/;

/** The numbers of the calls before which a power cut makes a difference. */
export function cutPoints(calls: readonly string[]): readonly number[] {
  return calls.flatMap((call, index) => (changing.test(call) && !passing.test(call) ? [index + 1] : []));
}
