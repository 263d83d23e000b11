import type { Mac } from "../../net/mac.ts";
import type { Decision, DetailsPatch, DetailValues } from "../event.ts";
import type { Announcement, Machine, MachineId, SwitchPort } from "../record.ts";
import {
  type Context,
  changed,
  conditionOf,
  type EventOf,
  isDisputed,
  machineIdFromMac,
  nameOf,
  type Refuse,
  refused,
  type Transition,
} from "./move.ts";

/** Labels of one machine; records are kept in memory. */
export const tagLimit = 64;
export const groupLimit = 16;
/** Ports of all cards of a large server, with room. */
export const macLimit = 32;

/** The id of a machine that is announced: by its first hardware address, else by its place; undefined if neither is told. */
export function announcedId(macs: readonly Mac[], place: SwitchPort | undefined): MachineId | undefined {
  const [first] = macs;
  if (first !== undefined) return machineIdFromMac(first);
  if (place === undefined) return undefined;
  const word = (text: string) => text.toLowerCase().replace(/[^a-z0-9-]+/g, "-");
  return `p-${word(place.switchName)}.${word(place.port)}` as MachineId;
}

/** The record before its first word, of a machine that is announced. */
export function notYetAnnounced(event: EventOf<"machineCreated">, nowMs: number): Machine {
  return {
    ...{ id: event.id, revision: 0, createdAtMs: nowMs, macs: [], state: "unknown", generation: 0, conditions: [] },
    ...{ lastSeenAtMs: nowMs, timeline: [] },
    pxe: { requests: 0, responses: 0, lastRequestAtMs: nowMs, lastAnswer: "" },
  };
}

/** A machine is announced. What is there already stays as it is, but for an announcement that was withdrawn. */
export const announce: Transition<"machineCreated"> = (machine, event, context) => {
  const withdrawn = machine.macs.length === 0 && conditionOf(machine, "retired") !== undefined;
  if (machine.revision > 0 && !withdrawn) return refuseKnown(machine, event);
  const { by, hostname, place, macs } = event;
  const taken = claimedBy(machine, { hostname, place, macs }, context) ?? tooMany({ ...event, macs });
  if (taken !== undefined) return taken;
  const announced: Machine = {
    ...machine,
    macs: [...new Set(macs)],
    conditions: machine.conditions.filter(({ kind }) => kind !== "retired"),
    ...(hostname === undefined ? {} : { hostname }),
    announced: {
      ...{ by, atMs: context.nowMs },
      ...(hostname === undefined ? {} : { hostname }),
      ...(place === undefined ? {} : { place }),
    },
    ...valuesOf(event),
  };
  return changed(
    event.birth === true && macs.length > 0
      ? { ...announced, state: "birth", generation: machine.generation + 1 }
      : announced,
  );
};

/** A cell that refuses to announce what is there. */
export const refuseKnown: Refuse = (machine) =>
  refused({
    kind: "alreadyKnown",
    message: `${nameOf(machine)} (${machine.id}) is known already, in state ${machine.state}`,
    next: `to change what is said of it: birther set ${nameOf(machine)}`,
  });

function valuesOf({ tags, groups, requiredImage, plannedImage, disableUpdates }: DetailValues): Partial<Machine> {
  return {
    ...(tags === undefined || Object.keys(tags).length === 0 ? {} : { tags }),
    ...(groups === undefined || groups.length === 0 ? {} : { groups: [...new Set(groups)] }),
    ...(requiredImage === undefined ? {} : { pinnedImage: requiredImage, requiredImage }),
    ...(plannedImage === undefined ? {} : { plannedImage }),
    ...(disableUpdates === true ? { disableUpdates } : {}),
  };
}

/** An operator says something of a machine. Names and addresses follow from the place, so only an announced machine's can be said. */
export const setDetails: Transition<"detailsSet"> = (machine, { details, by }, context) => {
  const { hostname, macs } = details;
  if (hostname !== undefined && (machine.placement !== undefined || machine.permanentAddress !== undefined))
    return refused({
      kind: "nameByPlace",
      message: `the name of ${nameOf(machine)} follows from its place, by the placement rules`,
      next: "change the placement rules and ask for its rebirth, or put it elsewhere: birther rebirth --moved",
    });
  const tags = patchTags(machine.tags, details.tags);
  const wanted = { hostname: hostname ?? undefined, place: undefined, macs: macs ?? [] };
  const fault =
    claimedBy(machine, wanted, context, "movable") ??
    tooMany({ tags: tags ?? {}, groups: details.groups ?? [], macs: macs ?? [] });
  if (fault !== undefined) return fault;
  const [identity] = machine.macs;
  if (macs !== undefined && (identity === undefined || !macs.includes(identity)))
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} is known by ${identity ?? "its place"}: that cannot be taken away from it`,
      next: `to give it up: birther retire ${nameOf(machine)}; another machine can then take over: birther takeover`,
    });
  const named = nameAnew(machine, hostname, { by, atMs: context.nowMs });
  const patched = patchImages(patchLabels(named, tags, details), details);
  const next = macs === undefined ? patched : withMacs(patched, macs);
  const others = (macs ?? []).flatMap((mac) => {
    const holder = context.macHolder(mac);
    return holder === undefined || holder.id === machine.id ? [] : [holder];
  });
  const without = [...new Set(others)].map((holder) =>
    withMacs(
      holder,
      holder.macs.filter((mac) => !macs?.includes(mac)),
    ),
  );
  return without.length === 0 ? changed(next) : { kind: "changed", machine: next, others: without };
};

function withMacs(machine: Machine, macs: readonly Mac[]): Machine {
  const { disputedMacs = [], ...kept } = machine;
  const disputed = disputedMacs.filter((mac) => macs.includes(mac) && machine.macs.includes(mac));
  // The first is its identity, and stays that.
  const identity = machine.macs.slice(0, 1);
  return {
    ...kept,
    macs: [...new Set([...identity, ...macs])],
    ...(disputed.length === 0 ? {} : { disputedMacs: disputed }),
  };
}

function patchTags(tags: Machine["tags"], patch: DetailsPatch["tags"]): Machine["tags"] {
  if (patch === undefined) return tags;
  if (patch === null) return undefined;
  const entries = Object.entries({ ...tags, ...patch }).filter((entry): entry is [string, string] => entry[1] !== null);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function patchLabels(machine: Machine, tags: Machine["tags"], { groups }: DetailsPatch): Machine {
  const { tags: _before, groups: owners, ...kept } = machine;
  const after = groups === undefined ? owners : (groups ?? []);
  return {
    ...kept,
    ...(tags === undefined ? {} : { tags }),
    ...(after === undefined || after.length === 0 ? {} : { groups: [...new Set(after)] }),
  };
}

/** A required image that is taken back leaves the machine at what it has, until a rebirth asks the image rules. */
function patchImages(machine: Machine, details: DetailsPatch): Machine {
  const { pinnedImage, plannedImage, disableUpdates, ...kept } = machine;
  const pinned = details.requiredImage === undefined ? pinnedImage : (details.requiredImage ?? undefined);
  const planned = details.plannedImage === undefined ? plannedImage : (details.plannedImage ?? undefined);
  const disabled = details.disableUpdates === undefined ? disableUpdates : details.disableUpdates || undefined;
  return {
    ...kept,
    ...(pinned === undefined ? {} : { pinnedImage: pinned }),
    ...(typeof details.requiredImage === "string" ? { requiredImage: details.requiredImage } : {}),
    ...(planned === undefined ? {} : { plannedImage: planned }),
    ...(disabled === undefined ? {} : { disableUpdates: disabled }),
  };
}

function nameAnew(
  machine: Machine,
  hostname: string | null | undefined,
  said: { readonly by: string; readonly atMs: number },
): Machine {
  if (hostname === undefined) return machine;
  const { hostname: _before, announced, ...kept } = machine;
  const { hostname: _expected, ...expected }: Announcement = announced ?? said;
  if (hostname === null) return { ...kept, announced: expected };
  return { ...kept, hostname, announced: { ...expected, hostname } };
}

/** The refusal where another machine has the name, the place or an address; `movable` lets a NIC that is not its identity go. */
function claimedBy(
  machine: Machine,
  wanted: {
    readonly hostname: string | undefined;
    readonly place: SwitchPort | undefined;
    readonly macs: readonly Mac[];
  },
  context: Context,
  nics: "movable" | "fixed" = "fixed",
): Decision | undefined {
  const named = wanted.hostname === undefined ? undefined : context.nameHolder(wanted.hostname);
  if (named !== undefined && named.id !== machine.id)
    return taken("nameTaken", `the name ${wanted.hostname}`, named, `birther show ${nameOf(named)} says where it is`);
  const awaited = wanted.place === undefined ? undefined : context.announcedAt(wanted.place);
  if (awaited !== undefined && awaited.id !== machine.id)
    return taken(
      "alreadyKnown",
      "the announcement of that place",
      awaited,
      `birther set ${nameOf(awaited)} changes it`,
    );
  for (const mac of wanted.macs) {
    const holder = context.macHolder(mac);
    if (holder === undefined || holder.id === machine.id) continue;
    // By a NIC that is its own beyond doubt an installed machine may boot next: whose it is then would decide about its disk.
    const itsOwn = holder.macs[0] === mac || (isInstalled(holder) && !isDisputed(holder, mac));
    if (nics === "movable" && !itsOwn) continue;
    if (nics === "movable" && holder.macs[0] !== mac) {
      const others = holder.macs.filter((own) => own !== mac).join(",");
      return taken(
        "macTaken",
        mac,
        holder,
        `if it is not in that machine any more: birther set ${nameOf(holder)} macs=${others}, then again`,
      );
    }
    const next = `birther show ${nameOf(holder)} says what it is; if it is gone: birther retire ${nameOf(holder)}`;
    return taken("macTaken", mac, holder, next);
  }
  return undefined;
}

/** Whether its disk holds a system of ours. */
function isInstalled({ state }: Machine): boolean {
  return state !== "unknown" && state !== "birth";
}

function taken(kind: "nameTaken" | "alreadyKnown" | "macTaken", thing: string, holder: Machine, next: string) {
  return refused({ kind, message: `${nameOf(holder)} (${holder.id}, ${holder.state}) has ${thing}`, next });
}

function tooMany({ tags = {}, groups = [], macs }: DetailValues & { readonly macs: readonly Mac[] }) {
  const counts = [
    ["tags", Object.keys(tags).length, tagLimit],
    ["groups", groups.length, groupLimit],
    ["hardware addresses", macs.length, macLimit],
  ] as const;
  for (const [thing, count, limit] of counts) {
    if (count > limit)
      return refused({
        kind: "tooMany",
        message: `${count} ${thing} on one machine; at most ${limit} are kept`,
        next: "take some away",
      });
  }
  return undefined;
}
