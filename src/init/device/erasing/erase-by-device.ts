import {
  beginErase,
  commandSeconds,
  goesOnByItself,
  methodOf,
  statusOf,
  successOf,
} from "../../../core/erasure/device/device-erase.ts";
import type { DeviceJob } from "../../../core/erasure/device/device-job.ts";
import { describeWay, type EraseWay } from "../../../core/erasure/device/erase-way.ts";
import type { ErasureStep } from "../../../core/erasure/erasure.ts";
import type { DiskIdentity } from "../../../core/hardware/disk-identity.ts";
import type { Log } from "../../../core/ports.ts";
import { clock } from "../../system/clock.ts";
import { commandsTo } from "../disk/commands.ts";
import { markCount, marksLeft, writeMarks } from "./marks.ts";
import { waitForErasing } from "./running.ts";

/** What the work needs besides the disks. */
export type ErasingContext = {
  readonly log: Log;
  /** Makes the marks of this generation the same at its next attempt. */
  readonly seed: string;
  /** Percent of these disks, and how many seconds may pass before it is called again. */
  readonly working: (donePercent: number, disks: number, seconds: number) => void;
};

/** Between two questions to disks that erase themselves. */
const pollSeconds = 300;

type Offered = Omit<DeviceJob, "offer"> & { readonly way: EraseWay };
/** `again`: it could not be marked, because an earlier erasing has failed. */
type Begun = Offered & { readonly startedAtMs: number; readonly how: "begun" | "again" | "resumed" | "alreadyErased" };

/**
 * Lets disks erase themselves, all of those at once that go on by themselves, and looks whether they did: by what they say, and by marks
 * that were written before. Throws if one fails, or still has a mark. What a disk declines is a step of its record.
 */
export function eraseByDevice(
  jobs: readonly DeviceJob[],
  context: ErasingContext,
): readonly { readonly disk: DiskIdentity; readonly step: ErasureStep }[] {
  const { log, working } = context;
  const offered = jobs.flatMap(({ offer, ...job }): Offered[] =>
    offer.kind === "offered" ? [{ ...job, way: offer.way }] : [],
  );
  // All are marked before the first begins: its command may erase another namespace as well.
  const prepared = offered.map((job) => prepare(job, context));
  const toBegin = prepared.filter(({ how }) => how === "begun" || how === "again");
  for (const { disk, way } of toBegin.filter(({ way }) => goesOnByItself(way))) begin(disk, way, log);
  for (const { disk, way } of toBegin.filter(({ way }) => !goesOnByItself(way))) {
    working(0, offered.length, commandSeconds(way) + pollSeconds);
    begin(disk, way, log);
  }
  const waiting = toBegin.filter(({ way }) => goesOnByItself(way)).map(({ disk }) => disk.path);
  const others = offered.length - waiting.length;
  waitForErasing(waiting, (percent) => working(percent + 100 * others, offered.length, pollSeconds));
  return [
    ...prepared.map((job) => ({ disk: job.disk, step: verified(job, context) })),
    ...jobs.flatMap(({ disk, offer }) =>
      offer.kind === "offered" ? [] : [{ disk, step: declinedStep(offer.reason) }],
    ),
  ];
}

function prepare(job: Offered, { seed, log }: ErasingContext): Begun {
  const { disk, device, earlier } = job;
  const startedAtMs = clock.nowMs();
  const status = statusOf(device, commandsTo(disk.path));
  if (status.kind === "failed") return { ...job, startedAtMs, how: "again" };
  if (earlier === "running") return { ...job, startedAtMs, how: "resumed" };
  if (status.kind === "erased") {
    log("info", "the disk has erased itself already, and nothing was written since", { path: disk.path });
    return { ...job, startedAtMs, how: "alreadyErased" };
  }
  writeMarks(disk, seedOf(disk, seed));
  return { ...job, startedAtMs, how: "begun" };
}

function begin({ path }: DiskIdentity, way: EraseWay, log: Log): void {
  log("info", "the disk erases itself", { path, how: describeWay(way) });
  try {
    beginErase(commandsTo(path), way);
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Throws unless the device says that it succeeded, and no mark is left. */
function verified({ disk, device, way, how, startedAtMs }: Begun, { seed, log }: ErasingContext): ErasureStep {
  const { path, sizeBytes } = disk;
  const commands = commandsTo(path);
  const status = statusOf(device, commands);
  if (status.kind === "failed") throw new Error(`${path}: expected it to erase itself, found that ${status.reason}`);
  const success = successOf(way, commands);
  if (success === undefined)
    throw new Error(`${path}: expected it to say that it has erased itself, found that it does not`);
  const left = marksLeft({ path, sizeBytes }, seedOf(disk, seed));
  if (left > 0)
    throw new Error(
      `${path}: expected no mark after it erased itself, found ${left} of ${markCount} that were written before`,
    );
  const step: ErasureStep = {
    ...{ method: methodOf(way), what: whatOf(way, how), found: 0, startedAtMs, endedAtMs: clock.nowMs() },
    verification: { kind: "verified", how: `${success}; ${marksText[how]}` },
  };
  log("info", "the disk has erased itself", { path, how: step.what, seen: success });
  return step;
}

function whatOf(way: EraseWay, how: Begun["how"]): string {
  if (how === "begun" || how === "again") return describeWay(way);
  const { kind } = way;
  const earlier = how === "resumed" ? "that went on through a restart of the machine" : "of an earlier attempt";
  return `${kind === "nvmeSanitize" || kind === "nvmeFormat" ? "NVMe Sanitize" : "SANITIZE"} ${earlier}`;
}

const marksText: { readonly [H in Begun["how"]]: string } = {
  begun: `none of ${markCount} marks that were written before is left`,
  again: `none of the ${markCount} marks of this order is on it`,
  resumed: `none of the ${markCount} marks of this order is on it`,
  alreadyErased: `none of the ${markCount} marks of this order is on it`,
};

function declinedStep(reason: string): ErasureStep {
  const nowMs = clock.nowMs();
  return {
    ...{ method: "deviceDeclined", what: "the disk was asked to erase itself", found: 0 },
    ...{ startedAtMs: nowMs, endedAtMs: nowMs },
    verification: { kind: "unverified", reason: reason.slice(0, reasonLimit) },
  };
}

/** What the contract takes. */
const reasonLimit = 500;

/** Two disks without serial numbers have different marks. */
function seedOf({ path, serial, wwn }: DiskIdentity, seed: string): string {
  return `Birther erasure ${seed} ${serial === "" && wwn === "" ? path : `${serial} ${wwn}`}`;
}
