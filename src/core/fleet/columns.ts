import { conditionKinds } from "../machine/condition.ts";
import { nameOf } from "../machine/life/move.ts";
import { locationOf } from "../machine/location.ts";
import { type Phase, phases } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import { plainProgress, type WorkProgress } from "../machine/work-progress.ts";
import { type MachineStatus, machineStatusOf, statuses } from "./machine-status.ts";

/** What a screen of the whole fleet shows of one machine. */
export type FleetRow = {
  readonly id: string;
  readonly name: string;
  readonly rack?: string;
  readonly unit?: string;
  readonly network?: string;
  readonly status: MachineStatus;
  readonly phase?: Phase;
  readonly phaseAtMs?: number;
  /** Bit n is set if the machine has the n-th of `conditionKinds`. */
  readonly conditions: number;
  /** The image it runs, or else its required image. */
  readonly image?: string;
  readonly model?: string;
  /** How far it is with its work, as this server last heard. */
  readonly progress?: WorkProgress;
};

/** The row of a machine. A rack without a group `rack` in its rule is named by its switch. */
export function fleetRow(machine: Machine, othersUpdate = false, progress?: WorkProgress): FleetRow {
  const location = locationOf(machine);
  const image = machine.runningImage ?? machine.requiredImage;
  const product = machine.smbios?.product;
  const { phase, phaseAtMs, network } = machine;
  return {
    ...{ id: machine.id, name: nameOf(machine), status: machineStatusOf(machine, othersUpdate) },
    ...(location === undefined ? {} : { rack: location.rack ?? location.switch, unit: location.unit ?? location.port }),
    ...(network === undefined ? {} : { network }),
    ...(phase === undefined || phaseAtMs === undefined ? {} : { phase, phaseAtMs }),
    conditions: machine.conditions.reduce((bits, { kind }) => bits | (1 << conditionKinds.indexOf(kind)), 0),
    ...(image === undefined ? {} : { image }),
    ...(product === undefined || product === "" ? {} : { model: product }),
    ...(progress === undefined ? {} : { progress: plainProgress(progress) }),
  };
}

/**
 * The rows of a fleet as columns, a machine at the same place in each: a quarter of the size of rows, and read as fast as
 * numbers. Columns of numbers such as `rack` are indices into the list `racks`; -1 stands for none.
 */
export type FleetColumns = {
  readonly statuses: readonly string[];
  readonly phases: readonly string[];
  readonly conditionKinds: readonly string[];
  readonly racks: readonly string[];
  readonly networks: readonly string[];
  readonly images: readonly string[];
  readonly models: readonly string[];
  readonly id: readonly string[];
  readonly name: readonly string[];
  /** Empty for a machine whose place is not known. */
  readonly unit: readonly string[];
  readonly rack: readonly number[];
  readonly network: readonly number[];
  readonly status: readonly number[];
  readonly phase: readonly number[];
  /** Milliseconds since 1970; 0 before the first phase. */
  readonly phaseAtMs: readonly number[];
  readonly conditions: readonly number[];
  readonly image: readonly number[];
  readonly model: readonly number[];
  /** The machines whose progress is known, by their index in the columns. */
  readonly progress: readonly (WorkProgress & { readonly at: number })[];
};

/** The columns of a fleet, in steps of a machine each. */
export function* columnsInSteps(
  machines: readonly Machine[],
  othersUpdate = false,
  progressOf: (machine: Machine) => WorkProgress | undefined = () => undefined,
): Generator<void, FleetColumns, undefined> {
  const progress: (WorkProgress & { readonly at: number })[] = [];
  const [racks, networks, images, models] = [words(), words(), words(), words()];
  const rows = { id: [] as string[], name: [] as string[], unit: [] as string[] };
  const of = { rack: [], network: [], status: [], phase: [], phaseAtMs: [], conditions: [], image: [], model: [] } as {
    [column in "rack" | "network" | "status" | "phase" | "phaseAtMs" | "conditions" | "image" | "model"]: number[];
  };
  for (const machine of machines) {
    const row = fleetRow(machine, othersUpdate, progressOf(machine));
    if (row.progress !== undefined) progress.push({ at: rows.id.length, ...row.progress });
    rows.id.push(row.id);
    rows.name.push(row.name);
    rows.unit.push(row.unit ?? "");
    of.rack.push(racks.indexOf(row.rack));
    of.network.push(networks.indexOf(row.network));
    of.status.push(statuses.indexOf(row.status));
    of.phase.push(row.phase === undefined ? -1 : phases.indexOf(row.phase));
    of.phaseAtMs.push(row.phaseAtMs ?? 0);
    of.conditions.push(row.conditions);
    of.image.push(images.indexOf(row.image));
    of.model.push(models.indexOf(row.model));
    yield;
  }
  const lists = { racks: racks.all, networks: networks.all, images: images.all, models: models.all };
  return { statuses, phases, conditionKinds, ...lists, ...rows, ...of, progress };
}

/** Different words in the order in which they are first seen. */
function words() {
  const indices = new Map<string, number>();
  const all: string[] = [];
  const indexOf = (word: string | undefined): number => {
    if (word === undefined) return -1;
    const known = indices.get(word);
    if (known !== undefined) return known;
    indices.set(word, all.length);
    return all.push(word) - 1;
  };
  return { all, indexOf };
}
