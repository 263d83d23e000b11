import * as host from "host";
import type { BurnInProfile } from "../contract/machine-facing.ts";
import type { Endpoint } from "../core/install/boot-settings.ts";
import type { Measurement } from "../core/install/burn-in.ts";
import { memoryMiB } from "../core/install/scan.ts";
import type { Disk } from "../core/machine/hardware.ts";
import { formatIpv4 } from "../core/net/ipv4.ts";
import type { Log } from "../core/ports.ts";
import { testDisk } from "./disk-test.ts";
import { messageOf } from "./stop.ts";
import { openHttp } from "./system/http.ts";
import { systemTree } from "./tree.ts";

/** What a test found: figures, and a fault that is empty when there was none. */
export type Finding = { readonly figures: { readonly [name: string]: number }; readonly fault: string };

/** What the tests are run on. */
export type BurnInSubject = {
  readonly profile: BurnInProfile;
  readonly cpus: number;
  readonly disk: Disk;
  readonly http: Endpoint;
  /** Tells the watchdog what is tested and how long it may take. */
  readonly step: (name: string, seconds: number) => void;
  readonly log: Log;
};

/** Every test of the profile, one after the other; a test that cannot be run is one that failed. */
export function runBurnIn(subject: BurnInSubject): readonly Measurement[] {
  const { profile, disk } = subject;
  const testedMiB = Math.floor((memoryMiB(systemTree, "MemAvailable") * profile.memoryPercent) / 100);
  const tests = [
    {
      test: "cpu",
      subject: `${subject.cpus} CPUs`,
      amount: profile.cpuSeconds,
      seconds: profile.cpuSeconds + 120,
      run: testCpus,
    },
    { test: "memory", subject: `${testedMiB} MiB`, amount: testedMiB, seconds: 120 + testedMiB, run: testMemory },
    {
      test: "disk",
      subject: disk.path,
      amount: profile.diskMiB,
      seconds: 120 + profile.diskMiB * 2,
      run: (mebibytes: number) => testDisk(disk, mebibytes),
    },
    {
      test: "network",
      subject: formatIpv4(subject.http.address),
      amount: profile.networkMiB,
      seconds: 120 + profile.networkMiB * 2,
      run: (mebibytes: number) => testNetwork(subject.http, mebibytes),
    },
  ] as const;

  return tests.flatMap((each) => {
    if (each.amount === 0) return [];
    subject.step(`burn-in: ${each.test}`, each.seconds);
    const startMs = host.monotonicMs();
    const finding = tryTest(() => each.run(each.amount));
    const measurement = {
      test: each.test,
      subject: each.subject,
      durationMs: Math.round(host.monotonicMs() - startMs),
      ...finding,
    };
    subject.log("info", `burn-in: ${each.test}`, {
      subject: each.subject,
      ...finding.figures,
      fault: finding.fault || "none",
    });
    return [measurement];
  });
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
    fault: agreed ? "" : "the CPUs do not agree on the same computation",
  };
}

function testMemory(mebibytes: number): Finding {
  const { mebibytesPerSecond, wrongWords } = host.memoryTest(mebibytes);
  return {
    figures: { memoryMiBps: Math.round(mebibytesPerSecond), wrongWords },
    fault: wrongWords === 0 ? "" : `${wrongWords} words read back wrong`,
  };
}

/** The throughput from the boot server, over the way that the system image will come. */
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
    fault: received === wanted ? "" : `${received} bytes came of ${wanted}`,
  };
}
