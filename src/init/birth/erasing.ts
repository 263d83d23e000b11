import { commandSeconds, offerOf, statusOf } from "../../core/erasure/device/device-erase.ts";
import { type DeviceJob, whyDeclined } from "../../core/erasure/device/device-job.ts";
import { takenDisks } from "../../core/erasure/taken-disks.ts";
import { identityOf } from "../../core/hardware/disk-identity.ts";
import type { Disk, Hardware } from "../../core/hardware/hardware.ts";
import type { Destruction } from "../../core/install/destruction.ts";
import { commandsTo } from "../device/disk/commands.ts";
import { deviceOf } from "../device/erasing/devices.ts";
import { awaitEarlierErasing } from "../device/erasing/running.ts";
import type { BirthContext } from "./birth-context.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/** Between two questions to a disk, with the report of the progress. */
const workSeconds = 600;
/** A disk answers at once, or its driver gives up after half a minute; some are asked ten times. */
const surveySecondsPerDisk = 360;

/** Tells the watchdog that the work goes on, and the MDB how far it is, as often as that may be asked. */
export function workingOn(
  { watchdog, progress }: BirthContext,
  { session }: Pick<TakenOrder, "session">,
): (donePercent: number, disks: number, seconds?: number) => void {
  return (donePercent, disks, seconds = workSeconds) => {
    watchdog.step(progress.step.name, Math.max(seconds, workSeconds));
    session.progress({ what: "erase", done: donePercent, total: 100 * disks });
  };
}

/** Waits for disks that an earlier attempt of this clean has told to erase themselves; returns their paths. */
export function awaitErasing(context: BirthContext, taken: TakenOrder): readonly string[] {
  if (taken.order.erase?.sanitize === undefined) return [];
  return context.runStep("awaitErasing", workSeconds, () =>
    awaitEarlierErasing(context.console.log, workingOn(context, taken)),
  );
}

/** What the inspection of the machine has found. */
type Inspected = {
  readonly disk: Disk;
  readonly hardware: Pick<Hardware, "disks">;
  readonly wereRunning: readonly string[];
};

/** What is erased beside the keys of the root disk, and how; stops before anything is written if that cannot be done as it was asked. */
export function planErasing(
  context: BirthContext,
  { order }: TakenOrder,
  { disk: root, hardware, wereRunning }: Inspected,
): Omit<Destruction, "root"> {
  const { erase } = order;
  if (erase === undefined) return {};
  const found = takenDisks(order, hardware.disks, root);
  if (found.kind === "refused") throw stop(found.reason);
  const others = found.disks.map(identityOf);
  const { sanitize } = erase;
  if (sanitize === undefined) return { others };
  const disks = [identityOf(root), ...others];
  const byDevice = context.runStep("surveyDisks", surveySecondsPerDisk * disks.length, () =>
    disks.map((disk): DeviceJob => {
      const device = deviceOf(
        disk.path,
        disks.map(({ path }) => path),
      );
      const offer = offerOf(device, commandsTo(disk.path));
      return { disk, device, offer, ...earlierOf(device, disk.path, wereRunning) };
    }),
  );
  const reason = whyDeclined(byDevice, sanitize);
  if (reason !== undefined) throw stop(reason);
  for (const { disk, offer } of byDevice)
    if (offer.kind === "offered" && offer.way.kind === "ataSecurityErase")
      context.console.log("info", "this disk erases itself without a sign of its progress", {
        ...{ path: disk.path, mostMinutes: Math.ceil(commandSeconds(offer.way) / 60) },
      });
  return { others, byDevice };
}

/** What became of an erasing before this start. */
function earlierOf(
  device: DeviceJob["device"],
  path: string,
  wereRunning: readonly string[],
): Pick<DeviceJob, "earlier"> {
  try {
    if (statusOf(device, commandsTo(path)).kind === "failed") return { earlier: "failed" };
  } catch {
    return {}; // it declines already, and says why
  }
  return wereRunning.includes(path) ? { earlier: "running" } : {};
}
