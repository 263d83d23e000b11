/**
 * The answers to operators' tools, one schema per kind. The server does not check its own answers with them; they are
 * the source of docs/openapi.json, and a test parses real answers with them.
 */

import * as v from "valibot";
import type { Excess } from "../../core/fleet/blast-radius.ts";
import { bootTrusts } from "../../core/hardware/hardware.ts";
import { aspects, maxNamedPaths } from "../../core/image/catalogue/image-difference.ts";
import type { ImportProgress } from "../../core/image/import-progress.ts";
import { namedArchitectures } from "../../core/machine/architecture.ts";
import type { Why } from "../../core/machine/health/waiting-for.ts";
import { machineStates, phases, placeTroubles, remedies } from "../../core/machine/record.ts";
import { diskTrusts, identityTrusts, startTrusts, unsealedTrusts } from "../../core/machine/trust.ts";
import { localMethodNames } from "../../core/pxe/local-boot/method-table.ts";
import { roles } from "../../core/role.ts";
import { agentReport } from "../agent.ts";
import { burnInReport, suspects } from "../machine/burn-in.ts";
import { eraseWish } from "../machine/erasure.ts";
import { scan } from "../machine/hardware.ts";
import { heardPlace, neighbour, placementText, relayPort } from "../machine/placement.ts";
import { workProgress } from "../machine/report.ts";
import { birthDisk, mirrorRecord, storageReport } from "../machine/storage.ts";
import { diskKeyState, measuredBoot } from "../measured-boot.ts";
import { problem } from "../problem.ts";
import { pinnedShape } from "../same.ts";
import type { TokenView } from "./token.ts";
import type {
  AuditView,
  ChangeView,
  CollectedView,
  DifferenceView,
  ImageDetails,
  ImageView,
  LessonView,
  LogView,
  MachineBrief,
  MachineView,
  NetworkView,
  PacketView,
  StatusView,
  StreamView,
} from "./views.ts";

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const timeMs = v.pipe(v.number(), v.minValue(0), v.description("milliseconds since 1970"));
const counts = v.record(text, count);
const machineState = v.picklist(machineStates);
const phase = v.picklist(phases);
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
const machineBrief = v.strictObject({
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

const end = v.strictObject({ address: text, port: count });
const packet = pinnedShape<PacketView>()(
  v.strictObject({
    atMs: timeMs,
    direction: v.picklist(["in", "out"]),
    protocol: v.picklist(["dhcp", "tftp"]),
    source: end,
    destination: end,
    kind: text,
    facts: v.array(text),
    bytes: v.pipe(text, v.description("the UDP payload, base64")),
  }),
);

const network = pinnedShape<NetworkView>()(
  v.strictObject({
    name: text,
    interface: v.exactOptional(text),
    nursery: v.boolean(),
    mode: v.picklist(["full", "proxy", "listen"]),
    notServed: v.exactOptional(text),
    foreignDhcp: v.exactOptional(
      v.strictObject({ address: text, mac: v.exactOptional(text), sinceMs: timeMs, lastMs: timeMs }),
    ),
    doubtedArp: v.exactOptional(v.strictObject({ answers: count, mac: text, lastMs: timeMs })),
    pool: v.strictObject({
      first: text,
      last: text,
      size: count,
      held: count,
      exhaustedSinceMs: v.exactOptional(timeMs),
      refused: v.exactOptional(count),
    }),
    declined: v.array(v.strictObject({ address: text, mac: text, untilMs: timeMs })),
    received: count,
    answered: count,
    answers: counts,
    unanswered: counts,
    malformed: counts,
    receiveBufferBytes: count,
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

const lesson = pinnedShape<LessonView>()(
  v.strictObject({
    vendor: text,
    product: text,
    firmware: text,
    client: text,
    scores: v.record(v.picklist(localMethodNames), v.number()),
    learnedAtMs: timeMs,
    method: text,
  }),
);

const image = pinnedShape<ImageView>()(
  v.strictObject({
    ...{ name: text, entries: count, bytes: count, importedAtMs: timeMs },
    confidential: v.exactOptional(
      v.pipe(v.literal(true), v.description("only machines of its stream get its contents")),
    ),
    servers: v.exactOptional(
      v.pipe(v.array(text), v.description("the servers that have it; absent where the database is not shared")),
    ),
    notHere: v.exactOptional(v.pipe(text, v.description("why this server does not have it yet"))),
  }),
);

const machinesUsing = v.strictObject({
  count,
  first: v.pipe(v.array(text), v.description("the first of them by name")),
});

export const imageDetailsAnswer = pinnedShape<ImageDetails>()(
  v.strictObject({
    ...image.entries,
    ...{ source: text, directories: count, files: count, symlinks: count, special: count },
    hardLinks: v.pipe(count, v.description("paths that are another name of a file")),
    objects: v.pipe(count, v.description("different contents; `bytes` is their size")),
    kernels: v.pipe(v.array(text), v.description("kernels with an initrd, newest first")),
    attributes: v.pipe(
      v.array(v.strictObject({ name: text, files: count })),
      v.description("extended attributes, with the number of files that have one"),
    ),
    shared: v.pipe(
      v.array(v.strictObject({ name: text, bytes: count })),
      v.description("near versions of the stream, and the bytes of the contents that both have"),
    ),
    inStream: v.exactOptional(v.picklist(["current", "previous", "tried"])),
    inRules: v.exactOptional(v.pipe(v.literal(true), v.description("image rules name exactly this version"))),
    requiredBy: v.pipe(machinesUsing, v.description("machines that require it, or are planned or forced to run it")),
    runBy: machinesUsing,
  }),
);

export const differenceAnswer = pinnedShape<DifferenceView>()(
  v.strictObject({
    ...{ from: text, to: text, added: count, removed: count, changed: count },
    fetch: v.pipe(
      v.strictObject({ objects: count, bytes: count }),
      v.description("what a machine with the first image fetches for the second"),
    ),
    paths: v.pipe(
      v.array(
        v.strictObject({
          path: text,
          change: v.picklist(["added", "removed", "changed"]),
          what: v.exactOptional(v.array(v.picklist(aspects))),
        }),
      ),
      v.description(`the first ${maxNamedPaths} of them`),
    ),
  }),
);

export const collectedAnswer = pinnedShape<CollectedView>()(
  v.strictObject({
    ...{ objects: count, bytes: count },
    movedBytes: v.pipe(count, v.description("needed bytes that were written again, because they lay among others")),
    leftBytes: v.pipe(count, v.description("not needed either; removing them would cost more than it frees")),
    dryRun: v.boolean(),
  }),
);

export const removedAnswer = v.strictObject({ removed: text });

export const streamAnswer = pinnedShape<StreamView>()(
  v.strictObject({
    stream: text,
    current: v.pipe(text, v.description("the version that newborns get, such as compute/3")),
    previous: v.exactOptional(text),
    by: text,
    atMs: timeMs,
    moving: v.exactOptional(v.pipe(v.literal(true), v.description("the machines are still being given the version"))),
    machines: v.pipe(count, v.description("machines that follow the stream")),
    onCurrent: v.pipe(count, v.description("how many of them run the current version")),
    promotion: v.exactOptional(
      v.strictObject({
        image: text,
        by: text,
        atMs: timeMs,
        canary: v.pipe(text, v.description("the machine that tries the version first")),
        progress: v.strictObject({ kind: v.picklist(["waiting", "succeeded", "failed"]), reason: text }),
      }),
    ),
  }),
);
export const streamsAnswer = v.strictObject({ streams: v.array(streamAnswer) });

export const statusAnswer = pinnedShape<StatusView>()(
  v.strictObject({
    ...{ version: text, startedAtMs: timeMs, nowMs: timeMs, machines: counts },
    unreadable: v.exactOptional(
      v.pipe(
        v.array(v.strictObject({ id: text, message: text, next: text })),
        v.description(
          "the first machines whose records cannot be read: they are in no list, and nothing is done to them",
        ),
      ),
    ),
  }),
);
export const listAnswer = v.strictObject({
  machines: v.pipe(v.array(v.partial(machineAnswer)), v.description("by id; with `fields` only these keys and the id")),
  position: v.pipe(count, v.description("that of the list: `/v1/changes?since=` it tells what has changed since")),
  continue: v.exactOptional(v.pipe(text, v.description("there are more: ask again with this"))),
});
export const eventsAnswer = v.strictObject({ events: v.array(changeAnswer) });
export const logAnswer = pinnedShape<LogView>()(
  v.strictObject({
    unreached: v.exactOptional(
      v.pipe(
        v.array(text),
        v.description("other servers of the database that did not answer: their lines are missing"),
      ),
    ),
    boot: v.exactOptional(v.pipe(count, v.description("the number of the boot that the first line belongs to"))),
    boots: v.pipe(count, v.description("how many boots the kept lines are of")),
    lines: v.array(
      v.strictObject({
        atMs: v.pipe(timeMs, v.description("when the server heard it; after it, `afterMs` goes on")),
        boot: v.exactOptional(v.pipe(text, v.description("the start of the boot id that the machine had"))),
        text,
      }),
    ),
  }),
);
export const packetsAnswer = v.strictObject({ packets: v.array(packet) });
export const networksAnswer = v.strictObject({ networks: v.array(network) });
export const quirksAnswer = v.strictObject({ quirks: v.array(lesson) });
/** An import of a system image that runs. */
export const importProgress = pinnedShape<ImportProgress>()(
  v.strictObject({
    stream: text,
    ...{ paths: count, doneBytes: count },
    totalBytes: v.pipe(count, v.description("the size of the source")),
    ...{ startedAtMs: timeMs, atMs: timeMs },
  }),
);
export const imagesAnswer = v.strictObject({
  images: v.array(image),
  imports: v.pipe(v.array(importProgress), v.description("imports that run, as this server last heard")),
});
export const notedAnswer = v.strictObject({ noted: v.literal(true) });
export const checkAnswer = v.strictObject({
  inconsistencies: v.array(v.looseObject({ kind: text, message: text })),
});

/** The result for one machine of a batch; in a dry run, the expected result. */
const batchResult = v.strictObject({
  name: text,
  outcome: v.picklist(["done", "refused"]),
  machine: machineBrief,
  erases: v.exactOptional(v.pipe(v.array(text), v.description("the disks that a clean erases"))),
  leaves: v.exactOptional(v.pipe(v.array(text), v.description("what a clean does not erase"))),
  problem: v.exactOptional(problem),
});
const excess = v.strictObject({
  group: v.pipe(text, v.description("empty for the machines that no group owns")),
  size: count,
  limit: count,
  sent: count,
  asked: count,
  freeAtMs: v.exactOptional(timeMs),
});
export const batchAnswer = v.strictObject({
  dryRun: v.boolean(),
  results: v.array(batchResult),
  beyond: v.pipe(v.array(excess), v.description("groups of which more would be sent away than `blastRadius` allows")),
  problem: v.exactOptional(v.pipe(problem, v.description("why all of it would be refused"))),
});
export type BatchAnswer = v.InferOutput<typeof batchAnswer>;

const token = v.strictObject({
  name: text,
  role: v.picklist(roles),
  createdAtMs: timeMs,
  createdBy: text,
  expiresAtMs: v.exactOptional(timeMs),
  lastUsedAtMs: v.exactOptional(v.pipe(timeMs, v.description("to within ten minutes"))),
});
export const tokensAnswer = v.strictObject({ tokens: v.array(pinnedShape<TokenView>()(token)) });
export const createdTokenAnswer = v.strictObject({
  ...token.entries,
  token: v.pipe(text, v.description("the secret; it is not kept and cannot be shown again")),
});
export const revokedTokenAnswer = v.strictObject({ name: text });

const auditEntry = pinnedShape<AuditView>()(
  v.strictObject({
    position: count,
    atMs: timeMs,
    by: text,
    action: v.pipe(text, v.description("the kind of the event, or `put token` and the like")),
    subject: v.pipe(text, v.description("the machine's id, or the document's key")),
    before: v.exactOptional(v.unknown()),
    after: v.exactOptional(v.unknown()),
    name: v.exactOptional(v.pipe(text, v.description("the hostname of the machine, now or as it last was"))),
    request: v.exactOptional(
      v.strictObject({
        id: v.pipe(text, v.description("the same in all entries of a request")),
        from: v.pipe(text, v.description("the address that it came from; `local` for the Unix socket")),
        reason: v.exactOptional(text),
      }),
    ),
  }),
);
export const auditAnswer = v.strictObject({
  entries: v.array(auditEntry),
  before: v.exactOptional(v.pipe(count, v.description("there are older ones: ask again with this"))),
});
export type AuditAnswer = v.InferOutput<typeof auditAnswer>;

export const openApiAnswer = v.looseObject({ openapi: v.literal("3.1.0"), info: v.looseObject({ version: text }) });

pinnedShape<MachineBrief>()(machineBrief);
pinnedShape<Excess>()(excess);
