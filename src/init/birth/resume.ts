import type { OrderAnswer } from "../../core/birth/order-answer.ts";
import { describeDisk, findRecorded } from "../../core/hardware/disk-identity.ts";
import { disksSettleSeconds } from "../../core/hardware/disk-settling.ts";
import { diskSight } from "../../core/hardware/scan.ts";
import { imagePaths, newRoot, onNewRoot, rootPaths } from "../../core/install/paths.ts";
import { planResume, planResumeMounts, type ResumeInput } from "../../core/install/resume.ts";
import type { Step } from "../../core/install/step.ts";
import { readSubSettings } from "../agent/mdb/settings.ts";
import { agentPaths } from "../agent/paths.ts";
import { systemTree } from "../device/tree.ts";
import { readBytes, replaceBytes } from "../system/files.ts";
import type { BirthContext } from "./birth-context.ts";
import { executeStep } from "./execute-step.ts";
import { handOver, serversOf, writeSubSettings } from "./hand-over.ts";
import { waitForDisks } from "./inspect.ts";
import { requestSeconds } from "./mdb.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/**
 * Goes on where a power cut stopped a machine between *healthy* and its first image: opens the root that its birth made,
 * and becomes the agent there, which keeps what it has fetched. Makes and erases nothing.
 */
export function resume(context: BirthContext, taken: TakenOrder, facts: NonNullable<OrderAnswer["resume"]>): never {
  const { runStep, console } = context;
  const { order, mdb, settings, drivers, firmware } = taken;
  const { disk, mirror } = runStep("findRootDisk", disksSettleSeconds + 30, () => findRootDisk(order));
  console.log("info", "resuming on the root disk", {
    path: disk,
    ...(mirror === undefined ? {} : { mirror: mirror.disk }),
  });
  const input = {
    firmware,
    disk,
    encrypted: facts.encrypted,
    keyInTpm: facts.keyInTpm === true,
    ...(mirror === undefined ? {} : { mirror }),
  };
  const runSteps = (steps: readonly Step[]) => {
    for (const step of steps)
      runStep(step.id, step.deadlineSeconds, () =>
        executeStep(step, { drivers, http: settings.http, log: console.log }),
      );
  };
  runSteps(planResume(input));
  runSteps(planResumeMounts(input, readSubSettings(newRoot).boot.mountPoint ?? agentPaths.boot));
  const { subToken } = runStep("askToResume", requestSeconds, () => mdb.askToResume(order.session));
  runStep("writeCredential", 120, () => {
    // The authorities may have been replaced while the machine was off; it was reached with those of this image.
    replaceBytes(onNewRoot(rootPaths.caCertificate), readBytes(imagePaths.caCertificate));
    writeSubSettings({ ...readSubSettings(newRoot), ...serversOf(settings, order), token: subToken });
  });
  handOver(context, taken, facts);
}

function findRootDisk(order: OrderAnswer): Pick<ResumeInput, "disk" | "mirror"> {
  const { rootDisk, mirrorDisk, knownDisks } = order;
  if (rootDisk === undefined) throw stop("expected the root disk in the order, found none");
  waitForDisks(order);
  const { disks } = diskSight(systemTree);
  const search = findRecorded(disks, rootDisk, knownDisks);
  const second = mirrorDisk === undefined ? undefined : findRecorded(disks, mirrorDisk, knownDisks);
  const mirror = second?.kind === "found" ? { disk: second.disk.path } : {};
  if (search.kind === "found") return { disk: search.disk.path, ...(second === undefined ? {} : { mirror }) };
  if (mirror.disk !== undefined) return { disk: mirror.disk, mirror: {} };
  const found = disks.map((disk) => `${disk.path} (${describeDisk(disk)})`).join("; ") || "no disks";
  throw stop(`the root disk on record (${describeDisk(rootDisk)}) is ${search.kind}; found ${found}`);
}
