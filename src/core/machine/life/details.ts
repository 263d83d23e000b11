import { parseImageName } from "../../image/image-name.ts";
import type { Mac } from "../../net/mac.ts";
import type { Decision, DetailsPatch, DetailValues } from "../event.ts";
import type { SwitchPort } from "../heard-place.ts";
import { type Announcement, isInstalled, type Machine, type MachineId, type MachineIn } from "../record.ts";
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
import { requiredOf, withoutStopped } from "./required-image.ts";

/** Maximum number of tags per machine; records are kept in memory. */
export const tagLimit = 64;
/** Maximum number of groups per machine. */
export const groupLimit = 16;
/** Maximum number of MAC addresses per machine: more than all cards of a large server have. */
export const macLimit = 32;

/** The id of an announced machine: from its first MAC address, else from its slot; undefined without both. */
export function announcedId(macs: readonly Mac[], place: SwitchPort | undefined): MachineId | undefined {
  const [first] = macs;
  if (first !== undefined) return machineIdFromMac(first);
  if (place === undefined) return undefined;
  const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9-]+/g, "-");
  return `p-${slug(place.switchName)}.${slug(place.port)}` as MachineId;
}

/** The empty record of a machine that is being announced. */
export function notYetAnnounced(event: EventOf<"machineCreated">, nowMs: number): Machine {
  return {
    ...{ id: event.id, revision: 0, createdAtMs: nowMs, macs: [], state: "unknown", generation: 0, conditions: [] },
    ...{ lastSeenAtMs: nowMs, timeline: [] },
    pxe: { requests: 0, responses: 0, lastRequestAtMs: nowMs, lastAnswer: "" },
  };
}

/** An operator announces a machine; refused if its record exists, unless that is a withdrawn announcement. */
export const announce: Transition<"machineCreated", "unknown"> = (machine, event, context) => {
  const withdrawn = machine.macs.length === 0 && conditionOf(machine, "retired") !== undefined;
  if (machine.revision > 0 && !withdrawn) return refuseKnown(machine, event);
  const { by, hostname, place, macs } = event;
  const taken = claimedBy(machine, { hostname, place, macs }, context) ?? tooMany({ ...event, macs });
  if (taken !== undefined) return taken;
  const announced: MachineIn<"unknown"> = {
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

/** A cell that refuses to announce a known machine. */
export const refuseKnown: Refuse = (machine) =>
  refused({
    kind: "alreadyKnown",
    message: `${nameOf(machine)} (${machine.id}) is already known, in state ${machine.state}`,
    next: `to change its details: birther set ${nameOf(machine)}`,
  });

function valuesOf({
  tags,
  groups,
  requiredImage,
  plannedImage,
  disableUpdates,
}: DetailValues): Pick<
  MachineIn<"unknown">,
  "tags" | "groups" | "pinnedImage" | "requiredImage" | "plannedImage" | "disableUpdates"
> {
  return {
    ...(tags === undefined || Object.keys(tags).length === 0 ? {} : { tags }),
    ...(groups === undefined || groups.length === 0 ? {} : { groups: [...new Set(groups)] }),
    ...(requiredImage === undefined ? {} : { pinnedImage: requiredImage, requiredImage }),
    ...(plannedImage === undefined ? {} : { plannedImage }),
    ...(disableUpdates === true ? { disableUpdates } : {}),
  };
}

/** An operator changes details of a machine. Its slot determines the name, so only the name of an announced machine can be set. */
export const setDetails: Transition<"detailsSet"> = (machine, { details, by }, context) => {
  const { hostname, macs } = details;
  if (hostname !== undefined && (machine.placement !== undefined || machine.permanentAddress !== undefined))
    return refused({
      kind: "nameByPlace",
      message: `the placement rules determine the name of ${nameOf(machine)}`,
      next: "change the placement rules and request its rebirth, or move it and run birther rebirth --moved",
    });
  if (details.place !== undefined && isInstalled(machine))
    return refused({
      kind: "nameByPlace",
      message: `${nameOf(machine)} is installed at ${machine.placement.switchName} ${machine.placement.port}`,
      next: `to install it elsewhere: birther rebirth ${nameOf(machine)} --moved`,
    });
  const tags = patchTags(machine.tags, details.tags);
  const wanted = { hostname: hostname ?? undefined, place: details.place ?? undefined, macs: macs ?? [] };
  const fault =
    claimedBy(machine, wanted, context, "movable") ??
    tooMany({ tags: tags ?? {}, groups: details.groups ?? [], macs: macs ?? [] });
  if (fault !== undefined) return fault;
  const [identity] = machine.macs;
  if (macs !== undefined && (identity === undefined || !macs.includes(identity)))
    return refused({
      kind: "wrongState",
      message: `macs: expected a list with ${identity ?? "no address"}, the identity of ${nameOf(machine)}`,
      next: `if that NIC is gone, retire the machine: birther retire ${nameOf(machine)}; a newcomer can take over from it first: birther takeover`,
    });
  const said = { by, atMs: context.nowMs };
  const named = isInstalled(machine)
    ? machine
    : placeAnnounced(renameAnnounced(machine, hostname, said), details.place, said);
  const patched = withoutStopped(patchImages(patchLabels(named, tags, details), details, context));
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
  // The first address is the machine's identity and never changes.
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

/**
 * Removing the pinned image leaves the required image unchanged until the next promotion of its stream, or until a rebirth
 * applies the image rules.
 */
function patchImages(machine: Machine, details: DetailsPatch, context: Context): Machine {
  const { pinnedImage, plannedImage, forcedImage, disableUpdates, ...kept } = machine;
  const pinned = details.requiredImage === undefined ? pinnedImage : (details.requiredImage ?? undefined);
  const planned = details.plannedImage === undefined ? plannedImage : (details.plannedImage ?? undefined);
  const forced = details.forcedImage === undefined ? forcedImage : (details.forcedImage ?? undefined);
  const disabled = details.disableUpdates === undefined ? disableUpdates : details.disableUpdates || undefined;
  return {
    ...withRequired(kept, details.requiredImage, context),
    ...(pinned === undefined ? {} : { pinnedImage: pinned }),
    ...(planned === undefined ? {} : { plannedImage: planned }),
    ...(forced === undefined ? {} : { forcedImage: forced }),
    ...(disabled === undefined ? {} : { disableUpdates: disabled }),
  };
}

/** The record with the image that an operator requires; null: it follows the stream of the image that it has. */
function withRequired(machine: Machine, image: string | null | undefined, context: Context): Machine {
  if (image === undefined) return machine;
  if (!isInstalled(machine)) return image === null ? machine : { ...machine, requiredImage: image };
  const { imageStream: _before, ...kept } = machine;
  if (image !== null) return { ...kept, ...requiredOf(image, machine.id, context) };
  const stream = parseImageName(machine.requiredImage)?.stream;
  return stream === undefined ? kept : { ...kept, imageStream: stream };
}

function renameAnnounced(
  machine: MachineIn<"unknown" | "birth">,
  hostname: string | null | undefined,
  said: { readonly by: string; readonly atMs: number },
): MachineIn<"unknown" | "birth"> {
  if (hostname === undefined) return machine;
  const { hostname: _before, announced, ...kept } = machine;
  const { hostname: _expected, ...expected }: Announcement = announced ?? said;
  if (hostname === null) return { ...kept, announced: expected };
  return { ...kept, hostname, announced: { ...expected, hostname } };
}

/** The switch port as an operator names it, for a machine whose place nothing else tells, and that must not be elsewhere. */
function placeAnnounced(
  machine: MachineIn<"unknown" | "birth">,
  place: SwitchPort | null | undefined,
  said: { readonly by: string; readonly atMs: number },
): MachineIn<"unknown" | "birth"> {
  if (place === undefined) return machine;
  const { announced, ...kept } = machine;
  const { place: _before, ...expected }: Announcement = announced ?? said;
  if (place === null) return { ...kept, announced: expected };
  return { ...kept, announced: { ...expected, place } };
}

/** The refusal if another machine has the name, the slot or a MAC address; `movable` allows a NIC that is not its identity. */
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
    return taken("nameTaken", `the name ${wanted.hostname}`, named, `to find it: birther show ${nameOf(named)}`);
  const awaited = wanted.place === undefined ? undefined : context.announcedAt(wanted.place);
  if (awaited !== undefined && awaited.id !== machine.id)
    return taken(
      "alreadyKnown",
      "the announcement for that slot",
      awaited,
      `to change it: birther set ${nameOf(awaited)}`,
    );
  for (const mac of wanted.macs) {
    const holder = context.macHolder(mac);
    if (holder === undefined || holder.id === machine.id) continue;
    // An installed machine may boot from an undisputed NIC next, so the owner of that NIC decides about its disk.
    const itsOwn = holder.macs[0] === mac || (isInstalled(holder) && !isDisputed(holder, mac));
    if (nics === "movable" && !itsOwn) continue;
    if (nics === "movable" && holder.macs[0] !== mac) {
      const others = holder.macs.filter((own) => own !== mac).join(",");
      return taken(
        "macTaken",
        mac,
        holder,
        `if it is no longer in that machine, run birther set ${nameOf(holder)} macs=${others}, then retry`,
      );
    }
    const next = `to see that machine: birther show ${nameOf(holder)}; if it is gone: birther retire ${nameOf(holder)}`;
    return taken("macTaken", mac, holder, next);
  }
  return undefined;
}

function taken(kind: "nameTaken" | "alreadyKnown" | "macTaken", thing: string, holder: Machine, next: string) {
  return refused({ kind, message: `${nameOf(holder)} (${holder.id}, ${holder.state}) has ${thing}`, next });
}

function tooMany({ tags = {}, groups = [], macs }: DetailValues & { readonly macs: readonly Mac[] }) {
  const counts = [
    ["tags", Object.keys(tags).length, tagLimit],
    ["groups", groups.length, groupLimit],
    ["MAC addresses", macs.length, macLimit],
  ] as const;
  for (const [thing, count, limit] of counts) {
    if (count > limit)
      return refused({
        kind: "tooMany",
        message: `expected at most ${limit} ${thing} per machine, found ${count}`,
        next: "remove some",
      });
  }
  return undefined;
}
