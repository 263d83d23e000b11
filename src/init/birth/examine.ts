import * as host from "host";
import { judgeBurnIn } from "../../core/burn-in/judge.ts";
import { planBurnIn } from "../../core/burn-in/plan.ts";
import { type DiskSettling, disksSettleSeconds, settleDisks } from "../../core/hardware/disk-settling.ts";
import type { BurnInReport, Disk, Hardware } from "../../core/hardware/hardware.ts";
import { chooseRootDisk, type RecordedDisk, recognizable } from "../../core/hardware/root-disk.ts";
import { diskSight, memoryMiB, scanHardware } from "../../core/hardware/scan.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { runBurnIn } from "../device/burn-in.ts";
import { systemTree } from "../device/tree.ts";
import { sleepMs } from "../system/clock.ts";
import type { BirthContext } from "./birth-context.ts";
import { requestSeconds } from "./mdb.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/** A machine that is known inside. */
export type Examined = {
  readonly hardware: Hardware;
  readonly disk: Disk;
  readonly diskWhy: string;
  readonly burnIn: BurnInReport;
};

/** Scans the hardware, chooses the root disk and runs the burn-in, which a clean leaves out. */
export function examine(context: BirthContext, { settings, order, session }: TakenOrder): Examined {
  const { runStep, console, watchdog } = context;
  const recorded = recognizable(order.rootDisk);
  const hardware = runStep("scan the hardware", disksSettleSeconds + 30, () => {
    waitForDisks(recorded);
    return scanHardware(systemTree);
  });
  runStep("report to the MDB", requestSeconds, () => session.report([{ kind: "hardware", hardware }]));

  const choice = runStep("choose the root disk", 10, () => {
    const chosen = chooseRootDisk(hardware.disks, order.storage, recorded);
    if (chosen.kind === "refused") throw stop(chosen.reason);
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
  const measurements = runBurnIn(tests, {
    http: settings.http,
    step: (name, seconds) => {
      context.progress.step = name;
      watchdog.step(name, seconds);
    },
    log: console.log,
  });
  const burnIn = judgeBurnIn(measurements, order.burnIn);
  const faults = burnIn.results
    .filter((result) => !result.ok)
    .map((result) => `${result.test} ${result.subject}: ${result.fault}`);
  runStep("report to the MDB", requestSeconds, () =>
    session.phase("burnIn", [burnIn.verdict, ...faults].join("; "), [{ kind: "burnIn", report: burnIn }]),
  );
  return { hardware, disk, diskWhy, burnIn };
}

/** SCSI and USB controllers show their disks some seconds after their driver is loaded. */
function waitForDisks(recorded: RecordedDisk | undefined): void {
  let turn: DiskSettling | undefined;
  for (;;) {
    const nowMs = host.monotonicMs();
    turn = settleDisks(turn, { ...diskSight(systemTree), recorded }, nowMs);
    if (turn.kind === "settled") return;
    sleepMs(turn.wakeAtMs - nowMs);
  }
}
