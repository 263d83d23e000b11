/**
 * The record of a machine as the MDB stores it, one schema a state. Keys that are not in it are read past: a newer server
 * on the same database may have added them. `pinned` holds it to core's type.
 */
import * as v from "valibot";
import { namedArchitectures } from "../core/machine/architecture.ts";
import { conditionKinds, placeTroubles, remedies } from "../core/machine/condition.ts";
import { phases } from "../core/machine/phase.ts";
import { isInstalled, type Machine, type MachineId, type MachineIn } from "../core/machine/record.ts";
import { orderActions } from "../core/machine/state.ts";
import { formatIpv4 } from "../core/net/ipv4.ts";
import type { Mac } from "../core/net/mac.ts";
import { type AddressesAsText, ipv4, withAddressText } from "./address-text.ts";
import { agentReport } from "./agent.ts";
import { burnInReport, suspects } from "./machine/burn-in.ts";
import { eraseWish } from "./machine/erasure.ts";
import { scan } from "./machine/hardware.ts";
import { heardPlace, neighbour, placement, relayPort } from "./machine/placement.ts";
import { birthDisk, mirrorRecord, storageReport } from "./machine/storage.ts";
import { diskKeyState, measuredBoot } from "./measured-boot.ts";
import { pinned } from "./same.ts";

const text = v.string();
const count = v.number();
/** Texts that only we write are taken at their word. */
export const machineId = v.pipe(
  text,
  v.transform((id) => id as MachineId),
);
export const mac = v.pipe(
  text,
  v.transform((address) => address as Mac),
);
/** A scan whose interfaces all have a MAC address, which the server saw to when it took the scan. */
export const hardware = v.object({
  ...scan.entries,
  nics: v.array(v.object({ ...scan.entries.nics.item.entries, mac })),
});
const flag = v.exactOptional(v.literal(true));
/** A switch port of a record. */
export const switchPort = v.object({ switchName: text, port: text });
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
  trouble: v.exactOptional(v.picklist(placeTroubles)),
  remedy: v.exactOptional(v.picklist(remedies)),
  watched: flag,
  failedIn: v.exactOptional(v.picklist(phases)),
  untilPoll: flag,
  untilProof: flag,
  withoutImage: flag,
  image: v.exactOptional(text),
});
export const conditions = v.array(condition);

const common = {
  id: machineId,
  revision: count,
  createdAtMs: count,
  macs: v.array(mac),
  generation: count,
  ...lastSeen,
  conditions,
  firmware: v.exactOptional(v.picklist(["bios", "uefi"])),
  architecture: v.exactOptional(v.picklist(namedArchitectures)),
  network: v.exactOptional(text),
  temporaryAddress: v.exactOptional(ipv4),
  relay: v.exactOptional(relayPort),
  pinnedImage: v.exactOptional(text),
  plannedImage: v.exactOptional(text),
  forcedImage: v.exactOptional(text),
  disableUpdates: flag,
  tags: v.exactOptional(v.record(text, text)),
  groups: v.exactOptional(v.array(text)),
  announced: v.exactOptional(
    v.object({ by: text, atMs: count, hostname: v.exactOptional(text), place: v.exactOptional(switchPort) }),
  ),
  disputedMacs: v.exactOptional(v.array(mac)),
  smbios: v.exactOptional(scan.entries.smbios),
  hardware: v.exactOptional(hardware),
  neighbours: v.exactOptional(v.array(neighbour)),
  heard: v.exactOptional(heardPlace),
  burnIn: v.exactOptional(burnInReport),
  suspects: v.exactOptional(suspects),
  tpm: v.exactOptional(v.object({ ekSha256: text, firstSeenMs: count })),
  pxe: v.object({ requests: count, responses: count, lastRequestAtMs: count, lastAnswer: text }),
  lastSeenAtMs: count,
  timeline,
  sentAway,
  repair: v.exactOptional(
    v.object({
      ...{ rebirthsAtMs: v.array(count), atMs: count, debugAtMs: v.exactOptional(count), pending: flag },
      trial: v.exactOptional(v.object({ boots: count, atMs: count, asked: flag })),
    }),
  ),
} as const;

const taken = v.object({ bootId: text, sessionHash: text, atMs: count });
const order = {
  tokenHash: text,
  action: v.picklist(orderActions),
  generation: count,
  expiresAtMs: count,
  issuedAtMs: v.exactOptional(count),
} as const;
const openOrder = v.exactOptional(v.object({ ...order, taken: v.exactOptional(taken) }));
const wayBack = v.exactOptional(v.object({ ...lastSeen, timeline, sentAway, failing: v.exactOptional(condition) }));

const newcomer = {
  hostname: v.exactOptional(text),
  requiredImage: v.exactOptional(text),
  storage: v.exactOptional(storageReport),
  mayWipe: v.exactOptional(v.object({ by: text, atMs: count })),
} as const;
/** A restart that an operator requested. */
export const reboot = v.object({
  ...{ by: text, atMs: count, atOnce: count, perRack: count },
  sent: v.exactOptional(v.object({ atMs: count, boot: text })),
});
const installed = {
  hostname: text,
  permanentAddress: ipv4,
  placement,
  requiredImage: text,
  imageStream: v.exactOptional(text),
  ownSystem: flag,
  didNotAskAtMs: v.exactOptional(count),
  storage: storageReport,
  subTokenHash: text,
  runningImage: v.exactOptional(text),
  trusts: v.exactOptional(text),
  awaitsFirstImage: flag,
  agent: v.exactOptional(agentReport),
  measuredBoot: v.exactOptional(measuredBoot),
  diskKey: v.exactOptional(diskKeyState),
  mirror: v.exactOptional(mirrorRecord),
  reboot: v.exactOptional(reboot),
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
    birthDisk: v.exactOptional(birthDisk),
  }),
  v.object({
    ...common,
    state: v.literal("healthy"),
    ...installed,
    order: openOrder,
    unheardBoots: v.exactOptional(v.object({ count, lastAtMs: count })),
    recovery: v.exactOptional(v.object({ by: text, atMs: count, nonce: v.exactOptional(text) })),
  }),
  v.object({
    ...common,
    state: v.literal("rebirth"),
    ...installed,
    order: openOrder,
    mayMove: flag,
    allowedDisk: v.exactOptional(v.object({ selector: v.exactOptional(text), by: text })),
    birthDisk: v.exactOptional(birthDisk),
    wayBack,
  }),
  v.object({
    ...{ ...common, state: v.literal("clean"), ...installed, order: openOrder },
    birthDisk: v.exactOptional(birthDisk),
    wayBack,
    erase: v.exactOptional(eraseWish),
  }),
]);

/** A type without the keys that are never there. */
type Present<T> = { [K in keyof T as T[K] extends undefined ? never : K]: T[K] };

const [unknown, birth, healthy, rebirth, clean] = machineRecord.options;
pinned<Present<MachineIn<"unknown">>>()(unknown);
pinned<Present<MachineIn<"birth">>>()(birth);
pinned<Present<MachineIn<"healthy">>>()(healthy);
pinned<Present<MachineIn<"rebirth">>>()(rebirth);
pinned<Present<MachineIn<"clean">>>()(clean);

/** A record with its addresses as text: as operators read it, and as JSON holds it. */
export type RecordText = AddressesAsText<Machine>;

/** The same record with its addresses as text. */
export function recordAsText(machine: Machine): RecordText {
  const { temporaryAddress } = machine;
  const temporary = temporaryAddress === undefined ? {} : { temporaryAddress: formatIpv4(temporaryAddress) };
  if (isInstalled(machine)) {
    const { temporaryAddress: _number, permanentAddress, placement, ...rest } = machine;
    const permanent = { permanentAddress: formatIpv4(permanentAddress), placement: withAddressText(placement) };
    return { ...rest, ...temporary, ...permanent };
  }
  if (machine.state === "unknown") {
    const { temporaryAddress: _number, ...rest } = machine;
    return { ...rest, ...temporary };
  }
  const { temporaryAddress: _number, placement, ...rest } = machine;
  return { ...rest, ...temporary, ...(placement === undefined ? {} : { placement: withAddressText(placement) }) };
}

/** The newest version of the form in which records are stored, which we read; a record without one has version 1. */
export const recordVersion = 3;

/**
 * The version of a record that asks for more than the keys of the root disk to be erased: an older server would order a clean without
 * that, and leaves such a record alone.
 */
const eraseVersion = 2;

/**
 * The version of a record of a machine whose disk key is in its TPM: an older server would look for a variable when it resumes the
 * birth.
 */
const tpmKeyVersion = 3;

/** A record in the form in which it is stored. */
export function storedRecord(machine: Machine): RecordText & { readonly recordVersion: number } {
  return { recordVersion: versionOf(machine), ...recordAsText(machine) };
}

function versionOf({ erase, storage }: Machine): number {
  if (storage?.encryption.kind === "luks2" && storage.encryption.keyIn === "tpm") return tpmKeyVersion;
  return erase === undefined ? 1 : eraseVersion;
}
