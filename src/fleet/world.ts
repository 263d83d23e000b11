import type { Comparison } from "../core/image/update/directive.ts";
import type { Mac } from "../core/net/mac.ts";
import type { Agenda } from "./engine/agenda.ts";
import type { Chance } from "./engine/chance.ts";
import type { Host } from "./engine/host.ts";
import type { Running } from "./engine/script.ts";
import type { MachineFaultKind } from "./faults.ts";
import type { Flows } from "./network/flows.ts";
import type { Attachment, Wires } from "./network/wires.ts";
import type { ParameterName, Parameters } from "./parameters.ts";
import type { ServerPort } from "./ports.ts";
import type { Measures } from "./report/measures.ts";

/** The system on a machine's disk. */
export type Installed = {
  readonly id: string;
  readonly hostname: string;
  readonly generation: number;
  credential: string;
  /** Where its agent reaches the MDB now, and where else. */
  server: number;
  servers: readonly number[];
  /** The image in place; without one the disk does not start. */
  image?: string;
  /** Absent while it runs the agent of its birth. */
  agentVersion?: string;
};

/** A machine of metal: what it is, and what it holds. */
export type Chassis = Attachment & {
  readonly nth: number;
  readonly unit: number;
  readonly mac: Mac;
  readonly network: string;
  /** What its switch announces on its cable. */
  readonly neighbour: { readonly switchName: string; readonly port: string };
  readonly serial: string;
  readonly chance: Chance;
  readonly fault?: MachineFaultKind | undefined;
  /** How often the fault has shown itself. */
  faultCount: number;
  running?: Running | undefined;
  disk?: Installed | undefined;
  /** What it has of the image that it fetches, for others. */
  serves: { doneBytes: number; readonly totalBytes: number; readonly lost: Set<() => void> } | undefined;
  readonly transcript: string[];
  /** The step of its birth that failed last, and why; absent once it is healthy. */
  failure?: string;
  /** When its program last spoke with which server, over a connection that both keep. */
  connection: { readonly server: number; usedMs: number } | undefined;
  /** Whether it must come up without a person. */
  readonly isAwaited: boolean;
  /** When it had power for the first time. */
  poweredAtMs?: number;
  upAtMs?: number;
};

/** A server, running or dead. */
export type ServerSlot = {
  readonly nth: number;
  port: ServerPort | undefined;
  /** When its thread is done with all that has come. */
  busyUntilMs: number;
  /** When it is done with the packets that have come: they do not wait for all requests. */
  packetsUntilMs: number;
  cpuMs: number;
};

/** Everything that a machine meets. */
export type World = {
  readonly agenda: Agenda;
  readonly flows: Flows;
  readonly wires: Wires;
  readonly parameters: Parameters;
  readonly servers: readonly ServerSlot[];
  /** By the address in what the servers send, on either part of a network. */
  readonly serverAt: (address: string) => number | undefined;
  /**
   * What an agent finds when it compares its system with a manifest: the machine runs this image, and has fetched these contents. Without
   * it, the system is always that of the manifest.
   */
  readonly compare?: (
    running: string | undefined,
    of: { readonly manifest: string; readonly objects: readonly string[] },
  ) => Comparison;
  readonly machinesById: Map<string, Chassis>;
  readonly peers: boolean;
  /** Polls of a machine with nothing to do that are like each other, of which one is carried out. */
  readonly idlePolls: number;
  /** The computer whose processors the machines share; absent if each has its own. */
  readonly host?: (Host & { readonly demandOf: (work: ParameterName) => number }) | undefined;
  readonly measures: Measures;
  /** Racks whose switch restarts. */
  readonly cutRacks: Set<number>;
  readonly chance: Chance;
  /** Notes a broken property, which ends the simulation. */
  readonly broken: (what: string, machine?: Chassis) => void;
  readonly note: (machine: Chassis, what: string) => void;
};
