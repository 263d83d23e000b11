/** The answers about machines, and about what changed. */
import * as v from "valibot";
import { bootTrusts } from "../../../core/hardware/hardware.ts";
import { namedArchitectures } from "../../../core/machine/architecture.ts";
import { placeTroubles, remedies } from "../../../core/machine/condition.ts";
import type { Why } from "../../../core/machine/health/waiting-for.ts";
import { phases } from "../../../core/machine/phase.ts";
import { machineStates } from "../../../core/machine/state.ts";
import { diskTrusts, identityTrusts, startTrusts, unsealedTrusts } from "../../../core/machine/trust.ts";
import { agentReport } from "../../agent.ts";
import { count } from "../../bounded-values.ts";
import { burnInReport, suspects } from "../../machine/burn-in.ts";
import { eraseWish } from "../../machine/erasure.ts";
import { scan } from "../../machine/hardware.ts";
import { heardPlace, neighbour, placementText, relayPort } from "../../machine/placement.ts";
import { workProgress } from "../../machine/report.ts";
import { birthDisk, mirrorRecord, storageReport } from "../../machine/storage.ts";
import { diskKeyState, measuredBoot } from "../../measured-boot.ts";
import { pinnedShape } from "../../same.ts";
import type { ChangeView, MachineBrief, MachineView } from "../views.ts";
import { phase, text, timeMs } from "./values.ts";

const machineState = v.picklist(machineStates);
const condition = v.strictObject({
  kind: text,
  reason: text,
  sinceMs: timeMs,
  trouble: v.exactOptional(
    v.pipe(
      v.picklist(placeTroubles),
      v.description("what happened to its cable, NIC, slot or switch; reason names both sides"),
    ),
  ),
  watched: v.exactOptional(v.literal(true)),
  remedy: v.exactOptional(v.picklist(remedies)),
  failedIn: v.exactOptional(v.picklist(phases)),
  untilPoll: v.exactOptional(v.literal(true)),
  untilProof: v.exactOptional(v.literal(true)),
  withoutImage: v.exactOptional(v.literal(true)),
  image: v.exactOptional(v.pipe(text, v.description("the image whose update was stopped"))),
});
const conditions = v.array(condition);

export const machineAnswer = pinnedShape<MachineView>()(
  v.strictObject({
    id: text,
    revision: count,
    createdAtMs: timeMs,
    macs: v.array(text),
    state: machineState,
    generation: count,
    phase: v.exactOptional(phase),
    phaseAtMs: v.exactOptional(timeMs),
    conditions,
    firmware: v.exactOptional(v.picklist(["bios", "uefi"])),
    architecture: v.exactOptional(v.picklist(namedArchitectures)),
    network: v.exactOptional(text),
    temporaryAddress: v.exactOptional(text),
    relay: v.exactOptional(
      v.pipe(relayPort, v.description("the port that a DHCP relay named in its last request with option 82")),
    ),
    permanentAddress: v.exactOptional(text),
    hostname: v.exactOptional(text),
    placement: v.exactOptional(placementText),
    location: v.exactOptional(
      v.strictObject({ rack: v.exactOptional(text), unit: v.exactOptional(text), switch: text, port: text }),
    ),
    progress: v.exactOptional(
      v.pipe(
        v.strictObject({ ...workProgress.entries, atMs: timeMs }),
        v.description(
          "how far it is: tests of a burn-in, bytes of a fetch, steps of an update, percent of disks that erase themselves; as this server last heard",
        ),
      ),
    ),
    trust: v.pipe(
      v.strictObject({
        boot: v.exactOptional(v.picklist(bootTrusts)),
        identity: v.exactOptional(v.picklist(identityTrusts)),
        disk: v.exactOptional(v.picklist(diskTrusts)),
        unsealed: v.exactOptional(
          v.pipe(v.picklist(unsealedTrusts), v.description("why the disk key is not sealed; diskKey has the reason")),
        ),
        start: v.exactOptional(v.picklist(startTrusts)),
      }),
      v.description(
        "what vouches for it, derived from the record: what ran at its birth, who gets its orders, its disk, what its TPM measured of its latest start",
      ),
    ),
    requiredImage: v.exactOptional(v.pipe(text, v.description("the exact version, such as compute/3"))),
    imageStream: v.exactOptional(v.pipe(text, v.description("the stream whose current version it requires"))),
    ownSystem: v.exactOptional(v.literal(true)),
    didNotAskAtMs: v.exactOptional(
      v.pipe(count, v.description("it restarted into its image then, and no PXE request was heard")),
    ),
    pinnedImage: v.exactOptional(text),
    plannedImage: v.exactOptional(text),
    forcedImage: v.exactOptional(text),
    disableUpdates: v.exactOptional(v.literal(true)),
    tags: v.exactOptional(v.record(text, text)),
    groups: v.exactOptional(v.array(text)),
    mayWipe: v.exactOptional(v.strictObject({ by: text, atMs: timeMs })),
    birthDisk: v.exactOptional(birthDisk),
    allowedDisk: v.exactOptional(v.strictObject({ selector: v.exactOptional(text), by: text })),
    erase: v.exactOptional(v.pipe(eraseWish, v.description("what its clean erases beside the keys of the root disk"))),
    announced: v.exactOptional(
      v.strictObject({
        by: text,
        atMs: timeMs,
        hostname: v.exactOptional(text),
        place: v.exactOptional(v.strictObject({ switchName: text, port: text })),
      }),
    ),
    repair: v.exactOptional(
      v.strictObject({
        rebirthsAtMs: v.array(timeMs),
        atMs: timeMs,
        debugAtMs: v.exactOptional(timeMs),
        pending: v.exactOptional(v.literal(true)),
        trial: v.exactOptional(
          v.strictObject({ boots: v.number(), atMs: timeMs, asked: v.exactOptional(v.literal(true)) }),
        ),
      }),
    ),
    mayMove: v.exactOptional(v.literal(true)),
    disputedMacs: v.exactOptional(v.array(text)),
    runningImage: v.exactOptional(text),
    trusts: v.exactOptional(text),
    awaitsFirstImage: v.exactOptional(v.literal(true)),
    agent: v.exactOptional(agentReport),
    measuredBoot: v.exactOptional(measuredBoot),
    diskKey: v.exactOptional(diskKeyState),
    mirror: v.exactOptional(
      v.pipe(mirrorRecord, v.description("the disks that a mirrored root works without; none if it is whole")),
    ),
    reboot: v.exactOptional(
      v.pipe(
        v.strictObject({
          ...{ by: text, atMs: timeMs, atOnce: count, perRack: count },
          sent: v.exactOptional(v.strictObject({ atMs: timeMs, boot: text })),
        }),
        v.description("a restart through the agent that waits for its turn, or was begun (`sent`)"),
      ),
    ),
    smbios: v.exactOptional(scan.entries.smbios),
    hardware: v.exactOptional(scan),
    neighbours: v.exactOptional(v.array(neighbour)),
    heard: v.exactOptional(
      v.pipe(heardPlace, v.description("where it is by what it hears on its cable, before its slot is accepted")),
    ),
    burnIn: v.exactOptional(burnInReport),
    suspects: v.exactOptional(
      v.pipe(
        suspects,
        v.description("figures that were far from those of machines of the same model, although nothing failed"),
      ),
    ),
    storage: v.exactOptional(storageReport),
    tpm: v.exactOptional(
      v.strictObject({
        ekSha256: v.pipe(text, v.description("the digest in the name of its TPM's endorsement key")),
        firstSeenMs: timeMs,
      }),
    ),
    pxe: v.strictObject({ requests: count, responses: count, lastRequestAtMs: timeMs, lastAnswer: text }),
    order: v.exactOptional(
      v.strictObject({
        action: text,
        generation: count,
        expiresAtMs: timeMs,
        takenAtMs: v.exactOptional(timeMs),
      }),
    ),
    lastSeenAtMs: timeMs,
    timeline: v.array(
      v.strictObject({
        phase,
        atMs: timeMs,
        durationMs: v.exactOptional(v.number()),
        detail: v.exactOptional(text),
      }),
    ),
    sentAway: v.exactOptional(v.strictObject({ atMs: timeMs, by: text, override: v.exactOptional(v.literal(true)) })),
    unheardBoots: v.exactOptional(v.strictObject({ count, lastAtMs: timeMs })),
    recovery: v.exactOptional(v.strictObject({ by: text, atMs: timeMs, nonce: v.exactOptional(text) })),
  }),
);

/** The state of a machine after a change or an action. */
export const machineBrief = v.strictObject({
  id: text,
  revision: count,
  state: machineState,
  generation: count,
  conditions,
  hostname: v.exactOptional(text),
  phase: v.exactOptional(phase),
});

export const changeAnswer = pinnedShape<ChangeView>()(
  v.strictObject({
    position: count,
    atMs: timeMs,
    by: v.exactOptional(text),
    event: v.looseObject({ kind: text }),
    machine: machineBrief,
    absorbed: v.exactOptional(v.array(text)),
  }),
);

export const whyAnswer = pinnedShape<Why & { readonly name: string }>()(
  v.strictObject({
    name: text,
    missing: v.exactOptional(v.pipe(text, v.description("the end of `waits until …`; absent when nothing is missing"))),
    sinceMs: timeMs,
    byMs: v.exactOptional(timeMs),
    overdue: v.boolean(),
    evidence: v.array(text),
    next: text,
  }),
);

export const listAnswer = v.strictObject({
  machines: v.pipe(v.array(v.partial(machineAnswer)), v.description("by id; with `fields` only these keys and the id")),
  position: v.pipe(count, v.description("that of the list: `/v1/changes?since=` it tells what has changed since")),
  continue: v.exactOptional(v.pipe(text, v.description("there are more: ask again with this"))),
});
export const eventsAnswer = v.strictObject({ events: v.array(changeAnswer) });

pinnedShape<MachineBrief>()(machineBrief);
