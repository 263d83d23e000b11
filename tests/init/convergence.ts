import { mac, type TestMachine } from "./machine.ts";

/** More boots than any way back from a power cut takes. */
const mostBoots = 6;

/** Lets a machine boot without troubles until it runs an image; tells what it is then, and how many boots it took. */
export function comeUp(machine: TestMachine): { readonly isUp: boolean; readonly boots: number; readonly why: string } {
  let why = "";
  for (let boots = 1; boots <= mostBoots; boots += 1) {
    const { end } = machine.boot();
    const { phase, conditions, state } = machine.site.machine(mac);
    const failing = conditions.find(({ kind }) => kind === "failing");
    if (state === "healthy" && phase === "up" && failing === undefined) return { isUp: true, boots, why: "" };
    why = `${end.kind}${end.kind === "stopped" ? `: ${end.why}` : ""}; ${phase}; ${failing?.reason ?? "no condition"}`;
  }
  return { isUp: false, boots: mostBoots, why };
}

/** Calls that leave something changed: on a disk, in NVRAM, at a server. Cuts between two others are the same cut. */
const changing =
  /^(create|write|remove|rename|mkdir|symlink|chmod|chown|link|makeNode|setTimes|mount|unmount|sync|fsync|setImmutable|rereadPartitions|flushDeviceCache|tlsWrite|tlsRead|exec|switchRoot|reboot) /;
/** What is written only to be seen, or lies in memory. */
const passing = /^(write|create) (\/dev\/(tty|watchdog)|pipe|temporary|standard)/;

/** The numbers of the calls before which a power cut makes a difference. */
export function cutPoints(calls: readonly string[]): readonly number[] {
  return calls.flatMap((call, index) => (changing.test(call) && !passing.test(call) ? [index + 1] : []));
}
