import * as host from "host";
import type { Measurement } from "../../../core/burn-in/judge.ts";
import type { BurnInTest } from "../../../core/burn-in/plan.ts";
import { correctedBetween, readSensors, sensorsBetween } from "../../../core/burn-in/sensors.ts";
import { describeWrongWords } from "../../../core/burn-in/wrong-words.ts";
import type { Disk } from "../../../core/hardware/hardware.ts";
import { damageBetween } from "../../../core/hardware/health/disk-health.ts";
import { errorPriority, type KernelMessage } from "../../../core/hardware/kernel-log.ts";
import { judgeLink } from "../../../core/hardware/link-modes.ts";
import { otherDiskReason } from "../../../core/hardware/root-disk.ts";
import { diskSight } from "../../../core/hardware/scan.ts";
import type { Endpoint } from "../../../core/net/endpoint.ts";
import { formatIpv4 } from "../../../core/net/ipv4.ts";
import type { Log } from "../../../core/ports.ts";
import { messageOf, stop } from "../../birth/stop.ts";
import { openHttp } from "../../system/http.ts";
import { readDiskHealth } from "../disk/health.ts";
import { openKernelLog } from "../kernel/kernel-log.ts";
import { systemTree } from "../tree.ts";
import { testDisk, testReading } from "./disk-test.ts";
import type { Finding } from "./finding.ts";

/** What the tests run with. */
export type BurnInDevices = {
  readonly http: Endpoint;
  /** The interface that leads there. */
  readonly nic: string;
  /** Tells the watchdog the current test and its time limit. */
  readonly step: (name: string, seconds: number) => void;
  /** Hears how far the current test is, from 0 to 1, several times in a minute. */
  readonly notify: (share: number) => void;
  readonly log: Log;
};

/** Runs every test of the plan in order; a test that cannot run has failed. */
export function runBurnIn(tests: readonly BurnInTest[], tools: BurnInDevices): readonly Measurement[] {
  const kernelLog = openKernelLog();
  // What the kernel found at its start belongs to no test.
  kernelLog.take();
  const measurements = tests.map((each) => {
    const { test, subject } = each;
    tools.step(`burn-in: ${test} ${subject}`, each.deadlineSeconds);
    const startMs = host.monotonicMs();
    const tested = besideSensors(test, tools.log, () => tryTest(() => runTest(each, tools)));
    const finding = besideKernel(tested, kernelLog.take(), tools.log);
    const durationMs = Math.round(host.monotonicMs() - startMs);
    tools.log("info", `burn-in: ${test}`, { subject, ...finding.figures, fault: finding.fault || "none" });
    return { test, subject, durationMs, ...finding };
  });
  kernelLog.close();
  return measurements;
}

/** Lines of the kernel's errors that are logged for a test; all are counted. */
const kernelLinesLogged = 10;

/** Counts what the kernel reported as an error during a test: retried commands, reset links, corrected hardware errors. */
function besideKernel({ figures, fault }: Finding, messages: readonly KernelMessage[], log: Log): Finding {
  const errors = messages.filter(({ priority }) => priority <= errorPriority);
  for (const { text } of errors.slice(0, kernelLinesLogged)) log("warn", "the kernel reports an error", { text });
  return { figures: { ...figures, kernelErrors: errors.length }, fault };
}

function runTest(test: BurnInTest, { http, nic, log, notify }: BurnInDevices): Finding {
  switch (test.kind) {
    case "compute":
      return testCpus(test.seconds, notify);
    case "fillMemory":
      return testMemory(test, notify);
    case "writeDisk":
      demandSameDisk(test.disk);
      return besideHealth(test.disk, log, () => testDisk({ ...test, notify }));
    case "readDisk":
      return besideHealth(test.disk, log, () => testReading({ ...test, notify }));
    case "fetch":
      return besideLink(nic, log, () => testNetwork(http, test, notify));
  }
}

/** Throws if the path leads to another disk than the chosen one: disks come and go, and names move. */
function demandSameDisk(disk: Disk): void {
  const reason = otherDiskReason(disk, diskSight(systemTree).disks);
  if (reason !== undefined) throw stop(reason);
}

/**
 * Runs a test of a disk between two readings of its health. A disk that says itself that it fails is not tested: the test
 * would only hasten its end. One that damages itself during the test has failed, whatever it says.
 */
function besideHealth(disk: Disk, log: Log, run: () => Finding): Finding {
  const before = readDiskHealth(disk.path, log);
  if (before === undefined) return run();
  const named = [disk.model, disk.serial].filter((text) => text !== "").join(" ");
  const faultOf = (reasons: readonly string[]) => [named, reasons.join(", ")].filter((text) => text !== "").join(": ");
  if (before.failures.length > 0) return { figures: before.figures, fault: faultOf(before.failures) };
  const { figures, fault } = tryTest(run);
  const after = readDiskHealth(disk.path, log) ?? before;
  const reasons = [...after.failures, ...damageBetween(before.figures, after.figures)];
  const faults = [...(fault === "" ? [] : [fault]), ...(reasons.length === 0 ? [] : [faultOf(reasons)])];
  return { figures: { ...figures, ...after.figures }, fault: faults.join("; ") };
}

/** Runs a test between two readings of what the machine counts itself. */
function besideSensors(test: BurnInTest["test"], log: Log, run: () => Finding): Finding {
  const before = readSensors(systemTree);
  const { figures, fault } = run();
  const after = readSensors(systemTree);
  const { faults, ...more } = sensorsBetween(test, before, after);
  const corrected = correctedBetween(before, after);
  if (corrected.length > 0) log("warn", "memory errors were corrected", { modules: corrected.join(", ") });
  return {
    figures: { ...figures, ...more.figures },
    fault: [fault, ...faults].filter((text) => text !== "").join("; "),
  };
}

/** Runs the test of the network beside what the NIC says of its link, and of errors on it. */
function besideLink(nic: string, log: Log, run: () => Finding): Finding {
  const errors = () =>
    ["rx_errors", "tx_errors"].reduce(
      (all, counter) => all + (Number(systemTree.text(`/sys/class/net/${nic}/statistics/${counter}`)) || 0),
      0,
    );
  const before = errors();
  const { figures, fault } = tryTest(run);
  const link = linkOf(nic, log);
  return {
    figures: { ...figures, ...link.figures, nicErrors: Math.max(0, errors() - before) },
    fault: [fault, link.fault].filter((text) => text !== "").join("; "),
  };
}

function linkOf(nic: string, log: Log): Finding {
  try {
    const { supported, advertised, partner, ...link } = host.linkSettings(nic);
    return judgeLink({
      ...{ ...link, supported: new Uint8Array(supported) },
      ...{ advertised: new Uint8Array(advertised), partner: new Uint8Array(partner) },
    });
  } catch (error) {
    log("info", "the NIC says nothing of its link", { nic, fault: messageOf(error) });
    return { figures: {}, fault: "" };
  }
}

function tryTest(run: () => Finding): Finding {
  try {
    return run();
  } catch (error) {
    return { figures: {}, fault: messageOf(error) };
  }
}

function testCpus(seconds: number, notify: (share: number) => void): Finding {
  const { hashesPerSecond, slowestPerSecond, agreed } = host.cpuTest(seconds, notify);
  return {
    figures: {
      hashesPerSecond: Math.round(hashesPerSecond),
      ...(slowestPerSecond === 0 ? {} : { slowestHashesPerSecond: Math.round(slowestPerSecond) }),
    },
    fault: agreed ? "" : "the CPUs computed different results",
  };
}

function testMemory(
  { mebibytes, rounds, seconds }: Extract<BurnInTest, { kind: "fillMemory" }>,
  notify: (share: number) => void,
): Finding {
  const { mebibytesPerSecond, testedMebibytes, ...wrong } = host.memoryTest(mebibytes, rounds, seconds, notify);
  return {
    figures: {
      ...{ memoryMiBps: Math.round(mebibytesPerSecond), testedMiB: Math.round(testedMebibytes) },
      wrongWords: wrong.wrongWords,
    },
    fault: describeWrongWords(wrong.wrongWords, wrong.firstWrong),
  };
}

/** The network is asked for this share of the whole at a time, so that it ends within its time. */
const fetches = 32;
const leastFetchMiB = 4;

/** Measures the throughput from the Boot Server, over the same path as the system image. */
function testNetwork(
  http: Endpoint,
  { mebibytes, seconds }: Extract<BurnInTest, { kind: "fetch" }>,
  notify: (share: number) => void,
): Finding {
  const atOnceMiB = Math.min(mebibytes, Math.max(leastFetchMiB, Math.ceil(mebibytes / fetches)));
  const client = openHttp({ address: formatIpv4(http.address), port: http.port });
  const startMs = host.monotonicMs();
  const passedSeconds = () => Math.max(0.001, (host.monotonicMs() - startMs) / 1000);
  let received = 0;
  let askedMiB = 0;
  try {
    while (askedMiB === 0 || (askedMiB < mebibytes && passedSeconds() < seconds)) {
      const nextMiB = Math.min(atOnceMiB, mebibytes - askedMiB);
      client.get(`/throughput/${nextMiB * 2 ** 20}`, (bytes) => {
        received += bytes.length;
      });
      askedMiB += nextMiB;
      notify(Math.max(askedMiB / mebibytes, passedSeconds() / seconds));
    }
  } finally {
    client.close();
  }
  const wanted = askedMiB * 2 ** 20;
  return {
    figures: { readMiBps: Math.round(received / 2 ** 20 / passedSeconds()) },
    fault: received === wanted ? "" : `expected ${wanted} bytes, received ${received}`,
  };
}
