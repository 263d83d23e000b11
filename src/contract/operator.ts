/**
 * What operators' tools say to the MDB: JSON over HTTP on the Unix socket `STATE/api.sock`, whose permissions say who may.
 * A refusal is `application/problem+json` in the shape of `problem` (machine-facing.ts).
 */
import * as v from "valibot";
import type { MachineEvent } from "../core/machine/event.ts";
import type { Machine } from "../core/machine/record.ts";
import type { PastChange } from "../core/ports.ts";
import { type LocalMethod, methodsOf } from "../core/pxe/local-boot.ts";
import { type Lesson, rankMethods } from "../core/pxe/local-boot-lesson.ts";
import type { NetworkMode } from "../core/pxe/network.ts";

/** Every route of the operators' API. `:name` is a hostname, an id or a hardware address: whatever an operator types. */
export const operatorRoutes = {
  status: {
    method: "GET",
    path: "/v1/status",
    says: "that the server runs, since when, and how many machines are in which state",
  },
  list: { method: "GET", path: "/v1/machines", says: "all machines, by name" },
  get: { method: "GET", path: "/v1/machines/:name", says: "one machine" },
  events: { method: "GET", path: "/v1/machines/:name/events", says: "its last events, newest last" },
  log: { method: "GET", path: "/v1/machines/:name/log", says: "the last lines that init or the sub sent" },
  packets: { method: "GET", path: "/v1/machines/:name/packets", says: "its last DHCP and TFTP packets, newest last" },
  rebirth: {
    method: "POST",
    path: "/v1/machines/:name/rebirth",
    says: "install it again at its next boot, with burn-in",
  },
  clean: {
    method: "POST",
    path: "/v1/machines/:name/clean",
    says: "install it again at its next boot, without burn-in",
  },
  cancel: {
    method: "POST",
    path: "/v1/machines/:name/cancel",
    says: "take a rebirth or clean back that has not begun",
  },
  hold: { method: "POST", path: "/v1/machines/:name/hold", says: "install nothing on it until it is released" },
  release: { method: "POST", path: "/v1/machines/:name/release", says: "end the hold" },
  networks: { method: "GET", path: "/v1/networks", says: "the networks: their pools, addresses out of use, counts" },
  quirks: { method: "GET", path: "/v1/quirks", says: "what was learned of models' firmware" },
  images: { method: "GET", path: "/v1/images", says: "the system images that can be required" },
  check: { method: "GET", path: "/v1/check", says: "what is inconsistent in the fleet" },
  watch: { method: "GET", path: "/v1/watch", says: "every change as it happens, one JSON object a line" },
} as const;
export type OperatorRoute = keyof typeof operatorRoutes;

/** Queries are refused if they name anything else. */
export const listQuery = v.strictObject({
  state: v.exactOptional(v.picklist(["unknown", "birth", "healthy", "rebirth", "clean"])),
  condition: v.exactOptional(v.picklist(["hold", "failing", "debug", "maintenance", "conflict", "waiting"])),
});
export type ListQuery = v.InferOutput<typeof listQuery>;

const limit = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}$/, "a whole number"),
  v.transform(Number),
  v.minValue(1, "at least 1"),
  v.maxValue(10_000, "at most 10000"),
);
export const eventsQuery = v.strictObject({ limit: v.optional(limit, "50") });
export const noQuery = v.strictObject({});

/** Who asks for it, for the audit. */
const by = v.pipe(v.string(), v.nonEmpty(), v.maxLength(100));
export const actionBody = v.strictObject({ by });
export const holdBody = v.strictObject({ by, reason: v.pipe(v.string(), v.nonEmpty(), v.maxLength(500)) });

/** A machine as operators see it: its record without hashes of secrets. */
export type MachineView = Omit<Machine, "ticket" | "subTokenHash" | "wayBack"> & {
  readonly order?: {
    readonly action: string;
    readonly generation: number;
    readonly expiresAtMs: number;
    readonly takenAtMs?: number;
  };
};

/** One change: an event, and what became of the machine. */
export type ChangeView = {
  readonly atMs: number;
  readonly event: EventView;
  readonly machine: PastChange["machine"];
};

/** An event without hashes of secrets. */
export type EventView = { readonly kind: MachineEvent["kind"]; readonly [fact: string]: unknown };

/** A DHCP or TFTP packet of a machine as the Boot Server saw it. */
export type PacketView = {
  readonly atMs: number;
  /** From the machine, or to it. */
  readonly direction: "in" | "out";
  readonly protocol: "dhcp" | "tftp";
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
  /** The kind of message, e.g. `offer`. */
  readonly kind: string;
  /** Its main options in words. */
  readonly facts: readonly string[];
  /** The UDP payload, base64. */
  readonly bytes: string;
};

/** A network as the Boot Server sees it, counted since its start. */
export type NetworkView = {
  readonly name: string;
  /** Absent where relay agents bring its requests. */
  readonly interface?: string;
  readonly nursery: boolean;
  readonly mode: NetworkMode;
  /** Why nothing is answered there although it should be, and what to do. */
  readonly notServed?: string;
  /** Another DHCP server that was heard there; its hardware address where it is on the same wire. */
  readonly foreignDhcp?: {
    readonly address: string;
    readonly mac?: string;
    readonly sinceMs: number;
    readonly lastMs: number;
  };
  readonly pool: {
    readonly first: string;
    readonly last: string;
    readonly size: number;
    /** How many of them are held. */
    readonly held: number;
    /** Since when machines go without an address, and how many requests did. */
    readonly exhaustedSinceMs?: number;
    readonly refused?: number;
  };
  /** Out of use, because a machine found another host there. */
  readonly declined: readonly { readonly address: string; readonly untilMs: number }[];
  readonly received: number;
  readonly answered: number;
  /** Messages without an answer, by reason; and bytes that are no message, by fault. */
  readonly unanswered: { readonly [why: string]: number };
  readonly malformed: { readonly [fault: string]: number };
  readonly receiveBufferBytes: number;
};

/** What was learned of one stage of a model's firmware, and the method that is therefore used first. */
export type LessonView = Lesson & { readonly method: LocalMethod };

/** The view of a lesson. */
export function viewLesson(lesson: Lesson): LessonView {
  const [method = methodsOf[lesson.client][0] as LocalMethod] = rankMethods(methodsOf[lesson.client], lesson);
  return { ...lesson, method };
}

/** A system image in the image store. */
export type ImageView = {
  readonly name: string;
  /** Files, directories and all else that has a path. */
  readonly entries: number;
  readonly bytes: number;
  readonly importedAtMs: number;
};

export type StatusView = {
  readonly version: string;
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly machines: { readonly [state: string]: number };
};

const secretFacts: ReadonlySet<string> = new Set(["tokenHash", "sessionHash", "subTokenHash"]);

/** The view of a record. */
export function viewMachine(machine: Machine): MachineView {
  const { ticket, subTokenHash: _secret, wayBack: _internal, ...rest } = machine;
  if (ticket === undefined) return rest;
  const { action, generation, expiresAtMs, taken } = ticket;
  return {
    ...rest,
    order: { action, generation, expiresAtMs, ...(taken === undefined ? {} : { takenAtMs: taken.atMs }) },
  };
}

/** The view of a change. */
export function viewChange(change: PastChange): ChangeView {
  const { id, revision, state, generation, conditions, hostname, phase } = change.machine;
  const facts = Object.entries(change.event).filter(([name]) => !secretFacts.has(name));
  return {
    atMs: change.atMs,
    event: Object.fromEntries(facts) as EventView,
    machine: {
      ...{ id, revision, state, generation, conditions },
      ...(hostname === undefined ? {} : { hostname }),
      ...(phase === undefined ? {} : { phase }),
    },
  };
}
