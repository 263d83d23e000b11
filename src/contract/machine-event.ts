/**
 * An event of a machine's life as the history stores it. Texts that are only shown are read as they are, so that the history
 * of an older version stays readable. `pinned` holds the schema to core's type.
 */
import * as v from "valibot";
import { sanitizeWishes } from "../core/erasure/erase-wish.ts";
import { namedArchitectures } from "../core/machine/architecture.ts";
import { conditionKinds } from "../core/machine/condition.ts";
import type { MachineEvent, UnreadableEvent } from "../core/machine/event.ts";
import { phases } from "../core/machine/phase.ts";
import type { PxeAnswer } from "../core/machine/pxe-answer.ts";
import { repairSteps } from "../core/machine/repair-step.ts";
import { orderActions } from "../core/machine/state.ts";
import { formatIpv4 } from "../core/net/ipv4.ts";
import { type AddressesAsText, ipv4, withAddressText } from "./address-text.ts";
import { agentReport } from "./agent.ts";
import { burnInReport, suspects } from "./machine/burn-in.ts";
import { heardPlace, neighbour, placement, relayPort } from "./machine/placement.ts";
import { dataDisks, diskIdentity, mirrorState, storageReport } from "./machine/storage.ts";
import { hardware, mac, machineId, switchPort } from "./machine-record.ts";
import { diskKeyState, measuredBoot } from "./measured-boot.ts";
import { pinned } from "./same.ts";

const text = v.string();
const count = v.number();
const flag = v.exactOptional(v.literal(true));
const pxeAnswer = v.pipe(
  text,
  v.transform((answer) => answer as PxeAnswer),
);
const firmware = v.picklist(["bios", "uefi"]);
const architecture = v.exactOptional(v.picklist(namedArchitectures));
const clearable = <Schema extends v.GenericSchema>(schema: Schema) => v.exactOptional(v.nullable(schema));

const ofOrder = {
  order: v.exactOptional(v.object({ generation: count, action: v.picklist(orderActions) })),
} as const;
const address = { id: machineId, address: ipv4 } as const;
const asked = { by: text, override: flag, restart: flag } as const;
const details = {
  tags: v.exactOptional(v.record(text, text)),
  groups: v.exactOptional(v.array(text)),
  requiredImage: v.exactOptional(text),
  plannedImage: v.exactOptional(text),
  disableUpdates: flag,
} as const;
const detailsPatch = v.object({
  tags: clearable(v.record(text, v.nullable(text))),
  groups: clearable(v.array(text)),
  requiredImage: clearable(text),
  plannedImage: clearable(text),
  forcedImage: clearable(text),
  disableUpdates: clearable(v.boolean()),
  hostname: clearable(text),
  place: clearable(switchPort),
  macs: v.exactOptional(v.array(mac)),
});

/** A stored event. */
export const machineEvent = v.variant("kind", [
  v.object({
    kind: v.literal("pxeAsked"),
    mac,
    firmware,
    network: text,
    nursery: v.boolean(),
    address: v.exactOptional(ipv4),
    stage: v.picklist(["firmware", "loader", "httpBoot"]),
    answer: pxeAnswer,
    relay: v.exactOptional(relayPort),
    architecture,
    withoutImage: flag,
    withheld: flag,
  }),
  v.object({ kind: v.literal("pxeAskedAgain"), id: machineId, requests: count, responses: count, lastAtMs: count }),
  v.object({ kind: v.literal("addressDeclined"), ...address }),
  v.object({ kind: v.literal("addressReturned"), ...address }),
  v.object({ kind: v.literal("addressSeen"), ...address }),
  v.object({
    kind: v.literal("phaseSeen"),
    id: machineId,
    phase: v.picklist(phases),
    durationMs: v.exactOptional(count),
    detail: v.exactOptional(text),
    ...ofOrder,
  }),
  v.object({ kind: v.literal("orderIssued"), id: machineId, tokenHash: text, expiresAtMs: count }),
  v.object({
    kind: v.literal("orderTaken"),
    id: machineId,
    mac,
    tokenHash: text,
    bootId: text,
    sessionHash: text,
    tpm: v.exactOptional(
      v.variant("kind", [
        v.object({ kind: v.literal("proved"), ekSha256: text }),
        v.object({ kind: v.literal("unusable"), reason: text }),
        v.object({ kind: v.literal("none") }),
      ]),
    ),
  }),
  v.object({ kind: v.literal("hardwareScanned"), id: machineId, hardware, freshRack: flag, ...ofOrder }),
  v.object({
    kind: v.literal("neighboursSeen"),
    id: machineId,
    neighbours: v.array(neighbour),
    heard: v.exactOptional(heardPlace),
    ...ofOrder,
  }),
  v.object({
    ...{ kind: v.literal("burnInDone"), id: machineId, report: burnInReport, ...ofOrder },
    suspects: v.exactOptional(suspects),
    holdSuspects: flag,
  }),
  v.object({
    kind: v.literal("placed"),
    id: machineId,
    placement,
    rootDisk: v.exactOptional(diskIdentity),
    dataDisks: v.exactOptional(dataDisks),
    ...ofOrder,
  }),
  v.object({
    kind: v.literal("failed"),
    id: machineId,
    step: text,
    reason: text,
    image: v.exactOptional(text),
    conflict: flag,
    ...ofOrder,
  }),
  v.object({
    kind: v.literal("becameHealthy"),
    id: machineId,
    generation: count,
    image: text,
    placement,
    storage: storageReport,
    subTokenHash: text,
  }),
  v.object({ kind: v.literal("agentResumed"), id: machineId, subTokenHash: text, ...ofOrder }),
  v.object({
    kind: v.literal("subSeen"),
    id: machineId,
    fromDisk: flag,
    runningImage: v.exactOptional(text),
    upToDate: v.exactOptional(v.boolean()),
    trusts: v.exactOptional(text),
    agent: v.exactOptional(agentReport),
    measuredBoot: v.exactOptional(measuredBoot),
    diskKey: v.exactOptional(diskKeyState),
    mirror: v.exactOptional(mirrorState),
    boot: v.exactOptional(text),
  }),
  v.object({
    kind: v.literal("machineCreated"),
    id: machineId,
    by: text,
    macs: v.array(mac),
    place: v.exactOptional(switchPort),
    hostname: v.exactOptional(text),
    birth: flag,
    ...details,
  }),
  v.object({ kind: v.literal("detailsSet"), id: machineId, by: text, details: detailsPatch }),
  v.object({ kind: v.literal("retired"), id: machineId, by: text, reason: v.exactOptional(text) }),
  v.object({ kind: v.literal("takeoverAuthorised"), id: machineId, from: machineId, by: text }),
  v.object({
    kind: v.literal("rebirthAsked"),
    id: machineId,
    mayMove: flag,
    newRootDisk: v.exactOptional(v.object({ selector: v.exactOptional(text) })),
    reboot: v.exactOptional(v.object({ atOnce: count, perRack: count })),
    ...asked,
  }),
  v.object({
    ...{ kind: v.literal("cleanAsked"), id: machineId, ...asked },
    sanitize: v.exactOptional(v.picklist(sanitizeWishes)),
    allDisks: flag,
  }),
  v.object({ kind: v.literal("rebootAsked"), id: machineId, by: text, atOnce: count, perRack: count }),
  v.object({ kind: v.literal("rebootSent"), id: machineId, boot: text }),
  v.object({ kind: v.literal("rebirthCancelled"), id: machineId, by: text }),
  v.object({ kind: v.literal("imageRequired"), id: machineId, image: text, by: text }),
  v.object({ kind: v.literal("stalled"), id: machineId, reason: text }),
  v.object({ kind: v.literal("resumed"), id: machineId }),
  v.object({
    kind: v.literal("repairStepped"),
    id: machineId,
    step: v.picklist(repairSteps),
    reason: text,
    silentSinceMs: count,
  }),
  v.object({ kind: v.literal("recoveryAllowed"), id: machineId, by: text }),
  v.object({ kind: v.literal("recoverySigned"), id: machineId, nonce: text, ...ofOrder }),
  v.object({ kind: v.literal("conditionSet"), id: machineId, condition: v.picklist(conditionKinds), reason: text }),
  v.object({
    kind: v.literal("conditionCleared"),
    id: machineId,
    condition: v.picklist(conditionKinds),
    wipeBy: v.exactOptional(text),
    newTpmBy: v.exactOptional(text),
  }),
]);

pinned<MachineEvent>()(machineEvent);

/** An event with its addresses as text: as operators read it, and as JSON holds it. */
export type EventText = AddressesAsText<MachineEvent | UnreadableEvent>;

/** The same event with its addresses as text. */
export function eventAsText(event: MachineEvent | UnreadableEvent): EventText {
  switch (event.kind) {
    case "pxeAsked": {
      const { address: asked, ...rest } = event;
      return asked === undefined ? rest : { ...rest, address: formatIpv4(asked) };
    }
    case "addressDeclined":
    case "addressReturned":
    case "addressSeen":
      return { ...event, address: formatIpv4(event.address) };
    case "placed":
    case "becameHealthy":
      return { ...event, placement: withAddressText(event.placement) };
    default:
      return event;
  }
}
