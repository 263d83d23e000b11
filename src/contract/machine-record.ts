/**
 * The record of a machine as the MDB stores it, one schema a state. Keys that are not in it are read past: a newer server
 * on the same database may have added them. `pinnedShape` holds it to core's type.
 */
import * as v from "valibot";
import { conditionKinds, type MachineIn, orderActions, phases, remedies } from "../core/machine/record.ts";
import { burnInReport, diskIdentity, placement, scan, storageReport } from "./machine-facing.ts";
import { pinnedShape } from "./same.ts";

const text = v.string();
const count = v.number();
const flag = v.exactOptional(v.literal(true));
const switchPort = v.object({ switchName: text, port: text });
const sentAway = v.exactOptional(v.object({ atMs: count, by: text, override: flag }));
const timeline = v.array(
  v.object({
    phase: v.picklist(phases),
    atMs: count,
    durationMs: v.exactOptional(count),
    detail: v.exactOptional(text),
  }),
);
const lastSeen = { phase: v.exactOptional(v.picklist(phases)), phaseAtMs: v.exactOptional(count) } as const;

const condition = v.object({
  kind: v.picklist(conditionKinds),
  reason: text,
  sinceMs: count,
  remedy: v.exactOptional(v.picklist(remedies)),
  watched: flag,
  failedIn: v.exactOptional(v.picklist(phases)),
  untilPoll: flag,
});

const common = {
  id: text,
  revision: count,
  createdAtMs: count,
  macs: v.array(text),
  generation: count,
  ...lastSeen,
  conditions: v.array(condition),
  firmware: v.exactOptional(v.picklist(["bios", "uefi"])),
  network: v.exactOptional(text),
  temporaryAddress: v.exactOptional(text),
  pinnedImage: v.exactOptional(text),
  plannedImage: v.exactOptional(text),
  forcedImage: v.exactOptional(text),
  disableUpdates: flag,
  tags: v.exactOptional(v.record(text, text)),
  groups: v.exactOptional(v.array(text)),
  announced: v.exactOptional(
    v.object({ by: text, atMs: count, hostname: v.exactOptional(text), place: v.exactOptional(switchPort) }),
  ),
  disputedMacs: v.exactOptional(v.array(text)),
  smbios: v.exactOptional(scan.entries.smbios),
  hardware: v.exactOptional(scan),
  burnIn: v.exactOptional(burnInReport),
  pxe: v.object({ requests: count, responses: count, lastRequestAtMs: count, lastAnswer: text }),
  lastSeenAtMs: count,
  timeline,
  sentAway,
  repair: v.exactOptional(
    v.object({ rebirthsAtMs: v.array(count), atMs: count, debugAtMs: v.exactOptional(count), pending: flag }),
  ),
} as const;

const taken = v.object({ bootId: text, sessionHash: text, atMs: count });
const order = {
  tokenHash: text,
  action: v.picklist(orderActions),
  generation: count,
  expiresAtMs: count,
} as const;
const openOrder = v.exactOptional(v.object({ ...order, taken: v.exactOptional(taken) }));
const wayBack = v.exactOptional(v.object({ ...lastSeen, timeline, sentAway, failing: v.exactOptional(condition) }));

const newcomer = {
  hostname: v.exactOptional(text),
  requiredImage: v.exactOptional(text),
  storage: v.exactOptional(storageReport),
  mayWipe: v.exactOptional(v.object({ by: text, atMs: count })),
} as const;
const installed = {
  hostname: text,
  permanentAddress: text,
  placement,
  requiredImage: text,
  storage: storageReport,
  subTokenHash: text,
  runningImage: v.exactOptional(text),
  awaitsFirstImage: flag,
} as const;

/** A stored record. */
export const machineRecord = v.variant("state", [
  v.object({ ...common, state: v.literal("unknown"), ...newcomer }),
  v.object({
    ...common,
    state: v.literal("birth"),
    ...newcomer,
    order: openOrder,
    placement: v.exactOptional(placement),
    birthDisk: v.exactOptional(diskIdentity),
  }),
  v.object({
    ...common,
    state: v.literal("healthy"),
    ...installed,
    order: openOrder,
    unheardBoots: v.exactOptional(v.object({ count, lastAtMs: count })),
  }),
  v.object({
    ...common,
    state: v.literal("rebirth"),
    ...installed,
    order: openOrder,
    mayMove: flag,
    allowedDisk: v.exactOptional(v.object({ selector: v.exactOptional(text), by: text })),
    wayBack,
  }),
  v.object({ ...common, state: v.literal("clean"), ...installed, order: openOrder, wayBack }),
]);

/** A type without the keys that are never there. */
type Present<T> = { [K in keyof T as T[K] extends undefined ? never : K]: T[K] };

const [unknown, birth, healthy, rebirth, clean] = machineRecord.options;
pinnedShape<Present<MachineIn<"unknown">>>()(unknown);
pinnedShape<Present<MachineIn<"birth">>>()(birth);
pinnedShape<Present<MachineIn<"healthy">>>()(healthy);
pinnedShape<Present<MachineIn<"rebirth">>>()(rebirth);
pinnedShape<Present<MachineIn<"clean">>>()(clean);
