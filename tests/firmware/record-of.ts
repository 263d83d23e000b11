import type { Machine } from "../../src/core/machine/record.ts";
import type { Log } from "../../src/core/ports.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import type { RunningServer } from "../../src/main/server/server.ts";
import type { FaultyRack } from "../faults/faulty-rack.ts";
import { waitFor } from "../support/inside-namespace.ts";

/** What tests of births need: environment, server, and the server's log. */
export type Scene = { readonly place: FaultyRack; readonly server: RunningServer; readonly said: readonly string[] };

/** A log that keeps its lines: message and facts as JSON. */
export function keptLog(): { readonly said: readonly string[]; readonly log: Log } {
  const said: string[] = [];
  return { said, log: (_level, what, facts = {}) => void said.push(`${what} ${JSON.stringify(facts)}`) };
}

/** Waits until a machine's record matches; throws with the end of the server's log and of the machine's console. */
export async function recordOf(
  { place, server, said }: Scene,
  machine: LabMachine,
  wanted: { readonly what: string; readonly seconds: number; readonly holds: (record: Machine) => boolean },
): Promise<Machine> {
  return await waitFor(`${machine.name}: ${wanted.what}`, wanted.seconds, () => {
    const record = server.store.byMac(machine.mac);
    return record !== undefined && wanted.holds(record) ? record : undefined;
  }).catch(async (cause) => {
    throw new Error(`${said.slice(-40).join("\n")}\n${await place.console(machine.name)}`, { cause });
  });
}

/** A machine that came up in this generation; a condition for `recordOf`. */
export const up = (generation: number, seconds = 2400) => ({
  what: `up in generation ${generation}`,
  seconds,
  holds: (record: Machine) => record.state === "healthy" && record.phase === "up" && record.generation === generation,
});

/** A machine that was handed over to the Dominator in this generation; a condition for `recordOf`. */
export const healthy = (generation: number, seconds = 1200) => ({
  what: `healthy in generation ${generation}`,
  seconds,
  holds: (record: Machine) => record.state === "healthy" && record.generation === generation,
});

/** A machine whose init has taken its order. */
export const inInit = (seconds = 1200) => ({
  what: "init's order",
  seconds,
  holds: (record: Machine) => record.order?.taken !== undefined,
});

/** The first phases of a machine's timeline, with their details: how it got its loader. */
export const loaderPhases = ({ timeline }: Machine) =>
  timeline.slice(0, 3).map(({ phase, detail }) => `${phase}: ${detail}`);
