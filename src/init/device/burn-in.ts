import * as host from "host";
import type { Measurement } from "../../core/burn-in/judge.ts";
import type { BurnInTest } from "../../core/burn-in/plan.ts";
import type { Disk } from "../../core/hardware/hardware.ts";
import { otherDiskReason } from "../../core/hardware/root-disk.ts";
import { diskSight } from "../../core/hardware/scan.ts";
import type { Endpoint } from "../../core/net/endpoint.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Log } from "../../core/ports.ts";
import { messageOf, stop } from "../birth/stop.ts";
import { openHttp } from "../system/http.ts";
import { testDisk, testReading } from "./disk-test.ts";
import type { Finding } from "./finding.ts";
import { systemTree } from "./tree.ts";

/** What the tests run with. */
export type BurnInDevices = {
  readonly http: Endpoint;
  /** Tells the watchdog the current test and its time limit. */
  readonly step: (name: string, seconds: number) => void;
  readonly log: Log;
};

/** Runs every test of the plan in order; a test that cannot run has failed. */
export function runBurnIn(tests: readonly BurnInTest[], tools: BurnInDevices): readonly Measurement[] {
  return tests.map((each) => {
    const { test, subject } = each;
    tools.step(`burn-in: ${test} ${subject}`, each.deadlineSeconds);
    const startMs = host.monotonicMs();
    const finding = tryTest(() => runTest(each, tools));
    const durationMs = Math.round(host.monotonicMs() - startMs);
    tools.log("info", `burn-in: ${test}`, { subject, ...finding.figures, fault: finding.fault || "none" });
    return { test, subject, durationMs, ...finding };
  });
}

function runTest(test: BurnInTest, { http }: BurnInDevices): Finding {
  switch (test.kind) {
    case "compute":
      return testCpus(test.seconds);
    case "fillMemory":
      return testMemory(test.mebibytes);
    case "writeDisk":
      demandSameDisk(test.disk);
      return testDisk(test.disk, test.mebibytes);
    case "readDisk":
      return testReading(test.disk, test.mebibytes, test.mostSeconds);
    case "fetch":
      return testNetwork(http, test.mebibytes);
  }
}

/** Throws if the path leads to another disk than the chosen one: disks come and go, and names move. */
function demandSameDisk(disk: Disk): void {
  const reason = otherDiskReason(disk, diskSight(systemTree).disks);
  if (reason !== undefined) throw stop(reason);
}

function tryTest(run: () => Finding): Finding {
  try {
    return run();
  } catch (error) {
    return { figures: {}, fault: messageOf(error) };
  }
}

function testCpus(seconds: number): Finding {
  const { hashesPerSecond, agreed } = host.cpuTest(seconds);
  return {
    figures: { hashesPerSecond: Math.round(hashesPerSecond) },
    fault: agreed ? "" : "the CPUs computed different results",
  };
}

function testMemory(mebibytes: number): Finding {
  const { mebibytesPerSecond, wrongWords } = host.memoryTest(mebibytes);
  return {
    figures: { memoryMiBps: Math.round(mebibytesPerSecond), wrongWords },
    fault: wrongWords === 0 ? "" : `${wrongWords} words differ after reading back`,
  };
}

/** Measures the throughput from the Boot Server, over the same path as the system image. */
function testNetwork(http: Endpoint, mebibytes: number): Finding {
  const wanted = mebibytes * 2 ** 20;
  const client = openHttp({ address: formatIpv4(http.address), port: http.port });
  const startMs = host.monotonicMs();
  let received = 0;
  try {
    client.get(`/throughput/${wanted}`, (bytes) => {
      received += bytes.length;
    });
  } finally {
    client.close();
  }
  const seconds = Math.max(0.001, (host.monotonicMs() - startMs) / 1000);
  return {
    figures: { readMiBps: Math.round(received / 2 ** 20 / seconds) },
    fault: received === wanted ? "" : `expected ${wanted} bytes, received ${received}`,
  };
}
