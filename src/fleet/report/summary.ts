import { counted } from "../../core/bytes/counted.ts";
import type { Phase } from "../../core/machine/phase.ts";
import { type MachineFaultKind, machineFaultKinds, machineFaults } from "../faults.ts";
import type { Duplex } from "../network/wires.ts";
import { type ParameterName, parameterNames, parameterTable } from "../parameters.ts";
import type { RolloutOutcome } from "../rollout.ts";
import type { Outcome } from "../simulate.ts";
import type { Chassis } from "../world.ts";
import type { Percentiles } from "./measures.ts";

/** What a simulation has shown: everything of its report, as plain data. The same seed gives the same, byte for byte. */
export type Summary = {
  readonly scenario: {
    readonly racks: number;
    readonly machinesPerRack: number;
    readonly servers: number;
    readonly peers: boolean;
    readonly seed: number;
    readonly imageBytes: number;
  };
  readonly machines: number;
  readonly up: number;
  /** Machines that have to come up without a person. */
  readonly expected: number;
  readonly expectedUp: number;
  readonly isComplete: boolean;
  /** When the last machine came up that was expected to. */
  readonly allUpMs?: number;
  /** Of the machines that worked before, with `--rollout`; the other racks have power since it began. */
  readonly rollout?: RolloutOutcome;
  readonly endMs: number;
  readonly birthsPerSecond: number;
  /** What took longest on the way of the last machine, and what to change. */
  readonly limits: readonly { readonly what: string; readonly change: string; readonly share: number }[];
  readonly phases: readonly ({ readonly phase: string } & Percentiles)[];
  readonly requests: readonly ({ readonly kind: string } & Percentiles)[];
  readonly unansweredDhcp: number;
  readonly links: readonly { readonly name: string; readonly sentBytes: number; readonly busyShare: number }[];
  /** `imagesCpuMs` is that of the process that sends images. */
  readonly serverCpu: readonly {
    readonly server: number;
    readonly cpuMs: number;
    readonly share: number;
    readonly imagesCpuMs: number;
  }[];
  /** Machines that had reached a phase, at each of the times. */
  readonly over: {
    readonly timesMs: readonly number[];
    readonly reached: readonly { readonly phase: string; readonly counts: readonly number[] }[];
  };
  readonly faults: readonly {
    readonly kind: MachineFaultKind;
    readonly text: string;
    readonly machines: number;
    readonly up: number;
  }[];
  /** Those that wait for the same, with the names of some of them. */
  readonly notUp: readonly {
    readonly machines: number;
    readonly named: readonly string[];
    readonly fault: string;
    readonly why: string;
  }[];
  readonly logged: readonly { readonly message: string; readonly times: number }[];
  readonly broken: Outcome["broken"];
  readonly parameters: readonly {
    readonly name: ParameterName;
    readonly value: number;
    readonly unit: string;
    readonly source: string;
  }[];
  readonly events: number;
};

const points = 120;
/** Kinds of machines that are not up in a report, and how many are named of each. */
const notUpLimits = { kinds: 50, named: 5 } as const;
const shownPhases = ["offered", "initUp", "placed", "handedOver", "updating", "rebooting", "up"] as const;

/** Summarises an outcome. */
export function summarise(outcome: Outcome): Summary {
  const { scenario, world, machines, timeline, endMs } = outcome;
  const ups = machines.flatMap(({ upAtMs }) => upAtMs ?? []);
  // Those that worked before the rollout were not born beside the others.
  const before = scenario.rollout?.racks ?? 0;
  const born = machines.flatMap(({ rack, upAtMs }) => (rack < before ? [] : (upAtMs ?? [])));
  const last = ups.reduce((latest, at) => Math.max(latest, at), 0);
  const first = born.reduce((earliest, at) => Math.min(earliest, at), Number.POSITIVE_INFINITY);
  const spanSeconds = (last - first) / 1000;
  const timesMs = Array.from({ length: points + 1 }, (_, n) => Math.round((endMs * n) / points));
  const phases = timeline.durations().map(([phase, took]) => ({ phase, ...took }));
  return {
    scenario: {
      ...{
        racks: scenario.racks,
        machinesPerRack: scenario.machines,
        servers: scenario.servers,
        peers: scenario.peers,
      },
      ...{ seed: scenario.seed, imageBytes: outcome.site.imageBytes },
    },
    ...{ machines: machines.length, up: ups.length, isComplete: outcome.isComplete, endMs: Math.round(endMs) },
    expected: machines.filter(({ isAwaited }) => isAwaited).length,
    expectedUp: machines.filter(({ isAwaited, upAtMs }) => isAwaited && upAtMs !== undefined).length,
    ...(outcome.isComplete ? { allUpMs: Math.round(last) } : {}),
    ...(outcome.rollout === undefined ? {} : { rollout: outcome.rollout }),
    birthsPerSecond: spanSeconds > 0 ? Math.round((born.length / spanSeconds) * 10) / 10 : 0,
    limits: limitsOf(outcome),
    phases,
    requests: world.measures.requests().map(([kind, took]) => ({ kind, ...took })),
    unansweredDhcp: world.measures.unansweredDhcp(),
    links: linksOf(outcome),
    serverCpu: world.servers.map(({ nth, cpuMs }) => ({
      server: nth + 1,
      cpuMs: Math.round(cpuMs),
      share: share(cpuMs, endMs),
      imagesCpuMs: Math.round(
        ((world.wires.servers[nth]?.images.sentBytes ?? 0) / 1e6) * world.parameters.serverSendsCpu,
      ),
    })),
    over: { timesMs, reached: shownPhases.map((phase) => ({ phase, counts: timeline.countsAt(phase, timesMs) })) },
    faults: faultsOf(outcome),
    notUp: notUpOf(outcome),
    logged: [...outcome.site.logged()]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([message, times]) => ({ message, times })),
    broken: outcome.broken,
    parameters: parameterNames.map((name) => {
      const { unit, source } = parameterTable[name];
      return { name, value: scenario.parameters[name], unit, source };
    }),
    events: world.agenda.events(),
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1000) / 1000;
}

function linksOf({ world, endMs }: Outcome): Summary["links"] {
  const busiest = (name: string, cables: readonly Duplex[], way: keyof Duplex) => {
    const all = cables.map((cable) => cable[way]);
    const [most] = [...all].sort((one, other) => other.sentBytes - one.sentBytes);
    return most === undefined
      ? []
      : [{ name, sentBytes: Math.round(most.sentBytes), busyShare: share(most.busyMs, endMs) }];
  };
  const { servers, racks } = world.wires;
  return [
    ...servers.flatMap(({ up, boot, images }, n) =>
      (
        [
          [`server ${n + 1}: link, sending`, up],
          [`server ${n + 1}: program, boot files`, boot],
          [`server ${n + 1}: program, images`, images],
        ] as const
      ).map(([name, { sentBytes, busyMs }]) => ({
        name,
        sentBytes: Math.round(sentBytes),
        busyShare: share(busyMs, endMs),
      })),
    ),
    ...[...world.wires.mirrors].flatMap(([name, { cable }]) => [
      ...busiest(`mirror ${name}, receiving`, [cable], "down"),
      ...busiest(`mirror ${name}, sending`, [cable], "up"),
    ]),
    ...busiest("busiest uplink of a rack, receiving", racks, "down"),
    ...busiest("busiest uplink of a rack, sending", racks, "up"),
  ];
}

/** The machines that are not up, those with the same fault that wait for the same together, most of them first. */
function notUpOf({ machines, whyNot }: Outcome): Summary["notUp"] {
  const kinds = new Map<string, { machines: number; named: string[]; fault: string; why: string }>();
  for (const machine of machines) {
    if (machine.upAtMs !== undefined) continue;
    const fault = machine.fault === undefined ? "" : machineFaults[machine.fault].text;
    const why = whyNot(machine);
    const key = `${fault}\n${why}`;
    const kind = kinds.get(key) ?? { machines: 0, named: [], fault, why };
    kinds.set(key, kind);
    kind.machines += 1;
    if (kind.named.length < notUpLimits.named) kind.named.push(`rack ${machine.rack + 1} unit ${machine.unit}`);
  }
  return [...kinds.values()].sort((one, other) => other.machines - one.machines).slice(0, notUpLimits.kinds);
}

/** The machines of one kind, some by name: `rack 1 unit 2, rack 1 unit 3 and 10 more machines`. */
export function namesOf({ machines, named }: Summary["notUp"][number]): string {
  const unnamed = machines - named.length;
  return `${named.join(", ")}${unnamed === 0 ? "" : ` and ${counted(unnamed, "more machine")}`}`;
}

function faultsOf({ machines }: Outcome): Summary["faults"] {
  return machineFaultKinds.flatMap((kind) => {
    const hit = machines.filter(({ fault }) => fault === kind);
    if (hit.length === 0) return [];
    const up = hit.filter(({ upAtMs }) => upAtMs !== undefined).length;
    return [{ kind, text: machineFaults[kind].text, machines: hit.length, up }];
  });
}

/** A first DHCP request is answered within this time, even beside thousands of others. */
const firstAnswerMs = 5000;

/** What the last machine without a fault spent its time with, as shares of its whole life. */
function limitsOf({ scenario, world, machines, timeline, endMs }: Outcome): Summary["limits"] {
  const { peers } = scenario;
  const sound = machines.filter(({ fault, upAtMs }) => fault === undefined && upAtMs !== undefined);
  const last = sound.reduce<Chassis | undefined>(
    (latest, one) => ((one.upAtMs ?? 0) > (latest?.upAtMs ?? -1) ? one : latest),
    undefined,
  );
  if (last?.disk === undefined) return [];
  const took = timeline.stepsOf(last.disk.id);
  const of = (...names: readonly Phase[]) =>
    share(
      names.reduce((sum, name) => sum + (took.get(name) ?? 0), 0),
      (last.upAtMs ?? 0) - (last.poweredAtMs ?? 0),
    );
  // Beyond the first start of the firmware, it repeats its requests.
  const { firmware, firmwareSpread, powerSpread } = world.parameters;
  const repeatedMs = (took.get("offered") ?? 0) - firmware * (1 + firmwareSpread) - powerSpread - firstAnswerMs;
  const unanswered =
    world.measures.unansweredDhcp() === 0
      ? 0
      : share(Math.max(0, repeatedMs), (last.upAtMs ?? 0) - (last.poweredAtMs ?? 0));
  const busiest = (of: "up" | "images") => Math.max(...world.wires.servers.map((server) => server[of].busyMs)) / endMs;
  const isProgram = busiest("images") > busiest("up");
  const sends = Math.max(busiest("images"), busiest("up"));
  const cpu = Math.max(...world.servers.map(({ cpuMs }) => cpuMs)) / endMs;
  const faster = [
    peers ? "" : "let machines pass the image on (peers)",
    isProgram
      ? "a faster origin (the program sends less than the server's link can)"
      : "a faster link, or more servers",
    "a smaller image",
  ];
  const full = `the image: ${isProgram ? "what the server sends" : "the server's link"} is full ${Math.round(sends * 100)} % of the time`;
  return [
    {
      what: sends > 0.3 ? full : "the image: its fetch and placement",
      change: faster.filter((one) => one !== "").join("; "),
      share: of("fetching", "updating", "rebooting"),
    },
    { what: "the burn-in", change: "a shorter burn-in (burnIn in the configuration)", share: of("burnIn") },
    {
      what: "firmware, and the start of the system",
      change: "shorter self-tests in the firmware",
      share: share(of("offered", "up") - unanswered, 1),
    },
    {
      what: "DHCP requests without an answer",
      change: "do what the servers logged asks for, such as a larger temporaryPool",
      share: unanswered,
    },
    {
      what: `the boot files${cpu > 0.8 ? ", with the server's processor busy" : ""}`,
      change: "a faster link for the server, or a smaller Bootstrap Image",
      share: of("loaderSent", "kernelSent", "initUp"),
    },
    {
      what: "place and installation",
      change: "faster disks",
      share: of("placed", "keysMade", "partitioned", "populated", "handedOver"),
    },
  ]
    .filter((one) => one.share >= 0.02)
    .sort((one, other) => other.share - one.share);
}
