import * as host from "host";
import type { ReportAnswer } from "../../contract/machine/report.ts";
import { birthSteps } from "../../core/birth/birth-step.ts";
import type { OrderAnswer } from "../../core/birth/order-answer.ts";
import { judgeBurnIn, type Measurement } from "../../core/burn-in/judge.ts";
import { type BurnInTest, planBurnIn, writes } from "../../core/burn-in/plan.ts";
import { type DiskSettling, disksSettleSeconds, settleDisks } from "../../core/hardware/disk-settling.ts";
import type { BootTrust, BurnInReport, Disk, Hardware } from "../../core/hardware/hardware.ts";
import { boundControllers, hiddenHardware } from "../../core/hardware/missing-driver.ts";
import { describeMissingFirmware } from "../../core/hardware/missing-firmware.ts";
import { chooseRootDisk } from "../../core/hardware/root-disk.ts";
import { diskSight, memoryMiB, scanHardware } from "../../core/hardware/scan.ts";
import { isFixed } from "../../core/hardware/suitable-disk.ts";
import { recordedRoot } from "../../core/install/mirror.ts";
import { architectureField } from "../../core/machine/architecture.ts";
import type { WorkProgress } from "../../core/machine/work-progress.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { BurnInOutcome } from "../../core/site/image-rule.ts";
import { runBurnIn } from "../device/burn-in/burn-in.ts";
import { mbrSignatureOf, withContents } from "../device/disk/contents.ts";
import { withMissingFirmware } from "../device/kernel/missing-firmware.ts";
import { systemTree } from "../device/tree.ts";
import { sleepMs } from "../system/clock.ts";
import type { BirthContext } from "./birth-context.ts";
import { awaitErasing } from "./erasing.ts";
import { requestSeconds } from "./mdb.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/** The machine's hardware, and the result of all tests that do not write to a disk. */
export type Inspection = {
  readonly hardware: Hardware;
  readonly disk: Disk;
  readonly diskWhy: string;
  /** Disks that were erasing themselves when the machine started. */
  readonly wereRunning: readonly string[];
  /** Measurements of the read-only tests, and the tests that are left. */
  readonly measurements: readonly Measurement[];
  readonly writeTests: readonly BurnInTest[];
  /** The result so far, as the server judges it beside the machine's siblings. */
  readonly outcome: BurnInOutcome;
};

/** A disk's contents are read in a few seconds; a dying disk retries each read for a long time. */
const contentsSecondsPerDisk = 30;

/**
 * Scans the hardware, chooses the root disk and runs the read-only part of the burn-in; a clean has no burn-in. Writes
 * to no disk, because the MDB has not accepted the machine's placement yet. `beforeTest` is called before each test.
 */
export function inspectMachine(context: BirthContext, taken: TakenOrder, beforeTest: () => void): Inspection {
  const { runStep, console } = context;
  const { settings, order, session } = taken;
  const wereRunning = awaitErasing(context, taken);
  const scanned = runStep("scanHardware", disksSettleSeconds + 30, () => {
    waitForDisks(order);
    return withMissingFirmware(scanHardware(systemTree, mbrSignatureOf));
  });
  for (const each of scanned.missingFirmware ?? []) console.log("warn", describeMissingFirmware(each));
  const hardware = runStep("readDiskContents", 60 + contentsSecondsPerDisk * scanned.disks.length, () => ({
    ...scanned,
    ...architectureField(host.architecture()),
    bootTrust: bootTrustOf(scanned, taken),
    disks: scanned.disks.map((disk) => (isFixed(disk) ? withContents(disk, console.log) : disk)),
  }));
  runStep("report", requestSeconds, () => session.report([{ kind: "hardware", hardware }]));

  const choice = runStep("chooseRootDisk", 10, () => {
    const { knownDisks, allowedDisk, action, rootDiskRules: rules } = order;
    const recorded = recordedRoot(hardware.disks, order);
    const { firmware } = hardware;
    const history = { recorded, knownDisks, allowedDisk, firmware, action, rules };
    const chosen = chooseRootDisk(hardware.disks, order.storage, history);
    if (chosen.kind === "refused") {
      const hidden = hiddenHardware(hardware, "storage controller");
      const controllers = boundControllers(hardware, "storage controller");
      const without =
        hardware.disks.length > 0 || controllers.length === 0 ? [] : [`no disk at ${controllers.join(", ")}`];
      throw stop([chosen.reason, ...hidden, ...without].join("; "));
    }
    return chosen;
  });
  const { disk, why: diskWhy } = choice;
  console.log("info", "root disk", { path: disk.path, why: diskWhy });

  const tests =
    order.action === "clean"
      ? []
      : planBurnIn(order.burnIn, {
          cpus: hardware.cpus,
          availableMiB: memoryMiB(systemTree, "MemAvailable"),
          disks: hardware.disks,
          rootDisk: disk,
          server: formatIpv4(settings.http.address),
        });
  const reading = tests.filter((test) => !writes(test));
  const measurements = measure(context, taken, { tests: reading, before: 0, of: tests.length, beforeTest });
  const report = judgeBurnIn(measurements, order.burnIn);
  const faults = report.results
    .filter((result) => !result.ok)
    .map((result) => `${result.test} ${result.subject}: ${result.fault}`);
  const answer = runStep("report", requestSeconds, () =>
    session.phase("burnIn", [report.verdict, ...faults].join("; "), [{ kind: "burnIn", report }]),
  );
  const outcome = outcomeOf(report, answer);
  return { hardware, disk, diskWhy, wereRunning, measurements, writeTests: tests.filter(writes), outcome };
}

function outcomeOf({ verdict }: BurnInReport, { suspect }: ReportAnswer): BurnInOutcome {
  return verdict === "passed" && suspect === true ? "suspect" : verdict;
}

/** The signed image proves something only where the firmware starts no other. */
function bootTrustOf({ secureBoot }: Hardware, { bySignedImage }: TakenOrder): BootTrust {
  return secureBoot && bySignedImage ? "signed-image" : "wire-trusted";
}

/** Runs the tests that write, after the MDB has accepted the machine's placement, and reports on the whole burn-in. */
export function finishBurnIn(context: BirthContext, taken: TakenOrder, inspection: Inspection): BurnInOutcome {
  const { measurements, writeTests } = inspection;
  if (writeTests.length === 0) return inspection.outcome;
  const done = measurements.length;
  const plan = { tests: writeTests, before: done, of: done + writeTests.length, beforeTest: () => {} };
  const report = judgeBurnIn([...measurements, ...measure(context, taken, plan)], taken.order.burnIn);
  const answer = context.runStep("report", requestSeconds, () => taken.session.report([{ kind: "burnIn", report }]));
  return outcomeOf(report, answer);
}

/** How often a long test says how far it is. */
const notifyEveryMs = 10_000;

function measure(
  context: BirthContext,
  { settings, session, nic }: TakenOrder,
  plan: {
    readonly tests: readonly BurnInTest[];
    /** Tests that are done already, and all tests of the burn-in. */
    readonly before: number;
    readonly of: number;
    readonly beforeTest: () => void;
  },
): readonly Measurement[] {
  const { tests, beforeTest } = plan;
  let done = plan.before;
  let progress: WorkProgress | undefined;
  let notifiedMs = 0;
  return runBurnIn(tests, {
    ...{ http: settings.http, nic },
    step: (name, seconds) => {
      beforeTest();
      const current = name.replace(/^burn-in: /, "");
      context.watchdog.step(birthSteps.report, requestSeconds);
      progress = { what: "burnIn", done, total: plan.of, current };
      session.progress(progress);
      done += 1;
      notifiedMs = host.monotonicMs();
      context.progress.step = { id: "burnIn", name };
      context.watchdog.step(name, seconds);
    },
    notify: (share) => {
      if (progress === undefined || host.monotonicMs() < notifiedMs + notifyEveryMs) return;
      session.progress({ ...progress, currentPercent: Math.floor(Math.min(share, 1) * 100) });
      notifiedMs = host.monotonicMs();
    },
    log: context.console.log,
  });
}

/** Waits for disks: SCSI and USB controllers show theirs some seconds after their driver is loaded. */
export function waitForDisks({ rootDisk: recorded, knownDisks }: Pick<OrderAnswer, "rootDisk" | "knownDisks">): void {
  let turn: DiskSettling | undefined;
  for (;;) {
    const nowMs = host.monotonicMs();
    turn = settleDisks(turn, { ...diskSight(systemTree), recorded, knownDisks }, nowMs);
    if (turn.kind === "settled") return;
    sleepMs(turn.wakeAtMs - nowMs);
  }
}
