/** The views of the MDB that operators' tools receive (routes.ts). */
import type { Swept } from "../../core/image/catalogue/collected.ts";
import type { ImageContents } from "../../core/image/catalogue/contents.ts";
import type { ImageDifference } from "../../core/image/catalogue/image-difference.ts";
import type { ImageUse } from "../../core/image/catalogue/image-use.ts";
import { type CanaryProgress, canaryProgress } from "../../core/image/stream/canary.ts";
import { type ImageStream, imageOf } from "../../core/image/stream/image-stream.ts";
import type { StreamSurvey } from "../../core/image/stream/survey.ts";
import type { Condition } from "../../core/machine/condition.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import { type Location, locationOf } from "../../core/machine/location.ts";
import type { LogLine } from "../../core/machine/log-line.ts";
import type { Machine } from "../../core/machine/record.ts";
import { type Trust, trustOf } from "../../core/machine/trust.ts";
import type { NotedProgress } from "../../core/machine/work-progress.ts";
import type { NetworkMode } from "../../core/network/network.ts";
import type { AuditEntry, PastChange } from "../../core/ports.ts";
import { type Lesson, rankMethods } from "../../core/pxe/local-boot/lesson.ts";
import type { LocalMethod } from "../../core/pxe/local-boot/method-table.ts";
import { methodsOf } from "../../core/pxe/local-boot/methods.ts";
import type { AddressesAsText } from "../address-text.ts";
import { type EventText, eventAsText } from "../machine-event.ts";
import { recordAsText } from "../machine-record.ts";

/** A machine as operators see it: its record without hashes of secrets. */
export type MachineView = Omit<AddressesAsText<Machine>, "order" | "subTokenHash" | "wayBack"> & {
  readonly location?: Location;
  /** How far it is with its work, as this server last heard. */
  readonly progress?: NotedProgress;
  readonly trust: Trust;
  readonly order?: {
    readonly action: string;
    readonly generation: number;
    readonly expiresAtMs: number;
    readonly takenAtMs?: number;
  };
};

/** The part of a record that shows the result of a change. */
export type MachineBrief = Omit<PastChange["machine"], "conditions"> & { readonly conditions: Condition[] };

/** A change: an event, and the machine after it. */
export type ChangeView = {
  /** Its position in the order of all changes. */
  readonly position: number;
  readonly atMs: number;
  /** The caller who requested it, if any. */
  readonly by?: string;
  readonly event: EventView;
  readonly machine: MachineBrief;
  /** Ids of records that the change removed. */
  readonly absorbed?: readonly string[];
};

/** An entry of the audit, and the hostname of its machine. */
export type AuditView = AuditEntry & { readonly name?: string };

/** An event without hashes of secrets. */
export type EventView = { readonly kind: EventText["kind"]; readonly [fact: string]: unknown };

/** A DHCP or TFTP packet of a machine, as the Boot Server saw it. */
export type PacketView = {
  readonly atMs: number;
  /** Sent by the machine, or to it. */
  readonly direction: "in" | "out";
  readonly protocol: "dhcp" | "tftp";
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
  /** The kind of message, e.g. `offer`. */
  readonly kind: string;
  /** Its main options as text. */
  readonly facts: readonly string[];
  /** The UDP payload in base64. */
  readonly bytes: string;
};

/** The log lines of a machine: oldest first, in one boot or over several. */
export type LogView = {
  /** The number of the boot that the first line belongs to: 1 is the oldest of which lines are kept. Absent without lines. */
  readonly boot?: number;
  readonly boots: number;
  readonly lines: readonly LogLine[];
  /** Other servers of the database that did not answer, `ADDRESS:PORT`: the lines that they keep are missing. */
  readonly unreached?: readonly string[];
};

/** A network as the Boot Server sees it; counts begin at the server's start. */
export type NetworkView = {
  readonly name: string;
  /** Absent if relay agents forward its requests. */
  readonly interface?: string;
  readonly nursery: boolean;
  readonly mode: NetworkMode;
  /** Why the server does not answer there although it should, and what to do. */
  readonly notServed?: string;
  /** Another DHCP server on the network; with its MAC address if it is on the same wire. */
  readonly foreignDhcp?: {
    readonly address: string;
    readonly mac?: string;
    readonly sinceMs: number;
    readonly lastMs: number;
  };
  /** Answers at addresses of the pool that were not believed, because a host answers ARP for too many; the latest host. */
  readonly doubtedArp?: { readonly answers: number; readonly mac: string; readonly lastMs: number };
  readonly pool: {
    readonly first: string;
    readonly last: string;
    readonly size: number;
    /** Number of leased addresses. */
    readonly held: number;
    /** When machines began to go without an address, and the number of such requests. */
    readonly exhaustedSinceMs?: number;
    readonly refused?: number;
  };
  /** Not leased, because the machine with this MAC address found another host using it. */
  readonly declined: readonly { readonly address: string; readonly mac: string; readonly untilMs: number }[];
  readonly received: number;
  readonly answered: number;
  /** Counts of answers by the step that they give the machine, e.g. `loader`. */
  readonly answers: { readonly [kind: string]: number };
  /** Counts of unanswered messages by reason, and of malformed datagrams by fault. */
  readonly unanswered: { readonly [why: string]: number };
  readonly malformed: { readonly [fault: string]: number };
  readonly receiveBufferBytes: number;
};

/** What is known of one stage of a model's firmware, and the method that is tried first because of it. */
export type LessonView = Lesson & { readonly method: LocalMethod };

/** Makes the view of a lesson. */
export function viewLesson(lesson: Lesson): LessonView {
  const [method = methodsOf[lesson.client][0] as LocalMethod] = rankMethods(methodsOf[lesson.client], lesson);
  return { ...lesson, method };
}

/** A system image in the image store. */
export type ImageView = {
  readonly name: string;
  /** Number of paths: files, directories and others. */
  readonly entries: number;
  readonly bytes: number;
  readonly importedAtMs: number;
  /** Only machines of its stream get its contents. */
  readonly confidential?: true;
  /** The servers that have it, `ADDRESS:PORT`; absent where the database is not shared. */
  readonly servers?: readonly string[];
  /** Why this server does not have it yet. */
  readonly notHere?: string;
};

/** What a system image consists of, and who uses it. */
export type ImageDetails = ImageView &
  ImageContents &
  ImageUse & {
    /** Other versions of its stream, the nearest first, with the bytes of the contents that both have. */
    readonly shared: readonly { readonly name: string; readonly bytes: number }[];
  };

/** The differences of two system images. */
export type DifferenceView = ImageDifference & { readonly from: string; readonly to: string };

/** A stream of images: the version its machines require, and a promotion under way. */
export type StreamView = {
  readonly stream: string;
  /** The exact name of the version that newborns get. */
  readonly current: string;
  readonly previous?: string;
  /** Who made it current, and when. */
  readonly by: string;
  readonly atMs: number;
  /** The machines are still being given the current version. */
  readonly moving?: true;
  /** How many machines follow the stream, and how many of them run the current version. */
  readonly machines: number;
  readonly onCurrent: number;
  readonly promotion?: {
    readonly image: string;
    readonly by: string;
    readonly atMs: number;
    /** The machine that tries it first. */
    readonly canary: string;
    readonly progress: CanaryProgress;
  };
};

/** The view of a stream over the whole fleet. */
export function viewStream(
  held: ImageStream,
  { survey, othersUpdate }: { readonly survey: StreamSurvey; readonly othersUpdate?: boolean | undefined },
): StreamView {
  const { stream, previous, by, atMs, moving, promotion } = held;
  const current = imageOf(held, held.current);
  const { followers, onCurrent, canary } = survey;
  return {
    ...{ stream, current, by, atMs, machines: followers, onCurrent },
    ...(previous === undefined ? {} : { previous: imageOf(held, previous) }),
    ...(moving === undefined ? {} : { moving }),
    ...(promotion === undefined
      ? {}
      : {
          promotion: {
            ...{ image: imageOf(held, promotion.version), by: promotion.by, atMs: promotion.atMs },
            canary: canary === undefined ? promotion.canary : nameOf(canary),
            progress: canaryProgress(held, canary, { promotion, othersUpdate }),
          },
        }),
  };
}

export type StatusView = {
  readonly version: string;
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly machines: { readonly [state: string]: number };
  /** The first machines whose records cannot be read: they are in no list, and nothing is done to them. */
  readonly unreadable?: readonly { readonly id: string; readonly message: string; readonly next: string }[];
};

const secretFacts: ReadonlySet<string> = new Set(["tokenHash", "sessionHash", "subTokenHash"]);

/** Makes the view of a record. */
export function viewMachine(machine: Machine, progress?: NotedProgress): MachineView {
  const { order, subTokenHash: _secret, wayBack: _internal, ...kept } = recordAsText(machine);
  const location = locationOf(machine);
  const rest = {
    ...kept,
    ...(location === undefined ? {} : { location }),
    ...(progress === undefined ? {} : { progress }),
    trust: trustOf(machine),
  };
  if (order === undefined) return rest;
  const { action, generation, expiresAtMs, taken } = order;
  return {
    ...rest,
    order: { action, generation, expiresAtMs, ...(taken === undefined ? {} : { takenAtMs: taken.atMs }) },
  };
}

/** Makes the view of a change. */
export function viewChange(change: PastChange): ChangeView {
  const { position, atMs, by, absorbed } = change;
  const facts = Object.entries(eventAsText(change.event)).filter(([name]) => !secretFacts.has(name));
  return {
    ...{ position, atMs },
    ...(by === undefined ? {} : { by }),
    event: Object.fromEntries(facts) as EventView,
    machine: briefOf(change.machine),
    ...(absorbed === undefined ? {} : { absorbed: [...absorbed] }),
  };
}

/** The part of a record that shows the result of a change. */
export function briefOf(machine: PastChange["machine"]): MachineBrief {
  const { id, revision, state, generation, conditions, hostname, phase } = machine;
  return {
    ...{ id, revision, state, generation, conditions: [...conditions] },
    ...(hostname === undefined ? {} : { hostname }),
    ...(phase === undefined ? {} : { phase }),
  };
}

/** What a collection of unneeded contents removed, or would remove. */
export type CollectedView = Swept & { readonly dryRun: boolean };
