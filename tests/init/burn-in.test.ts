import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { BoardFacts } from "./host/board.ts";
import { type HealthFacts, healthFirmware } from "./host/devices/disk-health.ts";
import type { Trouble, TroubleRule } from "./host/system/trouble.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

/** A fault of a device, and how the burn-in report names it. The birth continues, with the image for such machines. */
type Row = {
  readonly title: string;
  readonly troubles: readonly TroubleRule[];
  readonly test: "cpu" | "memory" | "disk" | "diskRead" | "network";
  readonly fault: RegExp;
  /** The minimum of the profile. */
  readonly burnIn?: { readonly [key: string]: number };
};

const upset: Trouble = { kind: "garbles", change: (bytes) => bytes.map((byte) => byte ^ 0xff) };
const eio: Trouble = { kind: "fails", errno: "EIO" };
const tests = { cpuSeconds: 1, memoryPercent: 10, diskMiB: 2, networkMiB: 1 };
/** Reads of a disk before its test: those that search it for data and find some at once. */
const contents = 2;

const rows: readonly Row[] = [
  { title: "CPUs disagree", troubles: [{ call: "cpuTest", trouble: upset }], test: "cpu", fault: /CPUs/ },
  {
    title: "memory forgets",
    troubles: [{ call: "memoryTest", trouble: upset }],
    test: "memory",
    fault: /3 words .*physical address 0x0000000123456788 .*expected 0x5{16}, found 0x5{15}7/,
  },
  {
    title: "the root disk cannot be written to",
    troubles: [{ call: "write", about: /^\/dev\/vda$/, times: 2, trouble: eio }],
    test: "disk",
    fault: /write \/dev\/vda: Input\/output error/,
  },
  {
    title: "the root disk forgets what it was told",
    troubles: [{ call: "write", about: /^\/dev\/vda$/, times: 1, trouble: { kind: "forgets" } }],
    test: "disk",
    fault: /1 of 2 blocks .*at byte 0$/,
  },
  {
    title: "a data disk cannot be read",
    troubles: [{ call: "read", about: /^\/dev\/vdb$/, from: contents + 1, trouble: eio }],
    test: "diskRead",
    fault: /read \/dev\/vdb: Input\/output error/,
  },
  {
    title: "a data disk takes seconds for each block",
    troubles: [
      { call: "read", about: /^\/dev\/vdb$/, from: contents + 1, trouble: { kind: "slow", milliseconds: 5000 } },
    ],
    test: "diskRead",
    fault: /found 1 of 2 MiB in 5 s/,
  },
  {
    title: "the network ends in the middle",
    troubles: [{ call: "read", about: /:80$/, from: 4, trouble: { kind: "fails", errno: "ECONNRESET" } }],
    test: "network",
    fault: /Connection reset by peer/,
  },
  {
    title: "nobody serves the network test",
    troubles: [{ call: "tcpConnect", about: /:80$/, trouble: { kind: "fails", errno: "ECONNREFUSED" } }],
    test: "network",
    fault: /Connection refused/,
  },
  {
    title: "the CPUs are slower than they must be",
    troubles: [],
    test: "cpu",
    fault: /hashes 20,000 per second or more \(minCpuHashesPerSecond\), found 10,000/,
    burnIn: { minCpuHashesPerSecond: 20_000 },
  },
];

for (const row of rows)
  test(`burn-in: ${row.title}`, (t) => {
    const site = openSite({ config: { burnIn: { ...tests, ...row.burnIn } } });
    t.after(site.close);
    const machine = rackMachine(site, {
      disks: [
        { name: "vda", sizeBytes: 4 * 2 ** 30, serial: "root" },
        { name: "vdb", sizeBytes: 8 * 2 ** 30, serial: "data" },
      ],
    });
    const data = machine.board.disks.get("vdb");
    data?.write(2 ** 20, Uint8Array.of(1, 2, 3));
    const before = [...(data?.contents() ?? [])];
    const { end, kernel } = machine.bootInit({ troubles: row.troubles });
    assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
    assert.ok(row.troubles.length === 0 || kernel.cpu.struck() > 0, "the trouble never came");
    const { burnIn, requiredImage } = site.machine(mac);
    const failed = burnIn?.results.filter((result) => !result.ok) ?? [];
    assert.deepEqual(
      failed.map((result) => result.test),
      [row.test],
      JSON.stringify(burnIn),
    );
    assert.match(failed[0]?.fault ?? "", row.fault);
    assert.equal(requiredImage, "debug");
    assert.deepEqual([...(data?.contents() ?? [])], before, "data disks are only read");
    const burnIns = site.progress().filter(({ what }) => what === "burnIn");
    assert.deepEqual(
      burnIns.map(({ done, total }) => [done, total]),
      [0, 1, 2, 3, 4].map((done) => [done, 5]),
      "the server hears of each test before it begins",
    );
  });

test("burn-in: a link slower than both of its ends can be is a fault; a slower switch is none", (t) => {
  const gigabit = [3, 5];
  const networkOf = (link: BoardFacts["link"]) => {
    const site = openSite({ config: { burnIn: tests } });
    t.after(site.close);
    const { end, kernel } = rackMachine(site, link === undefined ? {} : { link }).bootInit();
    assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
    return site.machine(mac).burnIn?.results.find(({ test }) => test === "network") ?? assert.fail();
  };
  const broken = networkOf({ speedMbps: 100, supported: gigabit, partner: gigabit });
  assert.match(broken.fault, /expected a link of 1000 Mb\/s, .* found 100 Mb\/s$/);
  const { linkMbps, supportedMbps, partnerMbps, nicErrors } = networkOf({
    ...{ speedMbps: 1000, supported: [3, 5, 12], partner: gigabit },
  }).figures;
  assert.deepEqual([linkMbps, supportedMbps, partnerMbps, nicErrors], [1000, 10_000, 1000, 0]);
  assert.deepEqual(networkOf(undefined).figures.supportedMbps, undefined);
});

test("burn-in: memory errors that the hardware counts: uncorrected ones are a fault, corrected ones a figure", (t) => {
  const site = openSite({ config: { burnIn: tests } });
  t.after(site.close);
  const module = "/devices/system/edac/mc/mc0/dimm0";
  let readings = 0;
  const machine = rackMachine(site, {
    sysFiles: {
      [`${module}/dimm_label`]: "DIMM_A1\n",
      [`${module}/dimm_ce_count`]: () => {
        readings += 1;
        return `${readings}\n`;
      },
      [`${module}/dimm_ue_count`]: () => (readings > 3 ? "1\n" : "0\n"),
    },
  });
  const { end, kernel } = machine.bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const { burnIn } = site.machine(mac);
  assert.deepEqual(
    burnIn?.results.map(({ test, fault, figures }) => [test, fault, figures.correctedErrors]),
    [
      ["cpu", "", 1],
      ["memory", "DIMM_A1 had 1 uncorrected error", 1],
      ["network", "", 1],
      ["disk", "", 1],
    ],
  );
  assert.ok(kernel.screen.some((line) => /memory errors were corrected.*DIMM_A1 1/.test(line)));
});

/** A machine with a disk that tells its health, beside a virtual root disk. */
function born(t: TestContext, name: string, health: HealthFacts, troubles: readonly TroubleRule[] = []) {
  const site = openSite({ config: { burnIn: tests } });
  t.after(site.close);
  const vendor = health.kind === "ata" ? "ATA     " : "";
  const machine = rackMachine(site, {
    disks: [
      { name: "vda", sizeBytes: 4 * 2 ** 30, serial: "root" },
      {
        name,
        sizeBytes: 8 * 2 ** 30,
        serial: "S3RIAL",
        model: "Model X",
        vendor,
        device: () => healthFirmware(health),
      },
    ],
  });
  const { end, kernel } = machine.bootInit({ troubles });
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const { burnIn } = site.machine(mac);
  return { burnIn, result: burnIn?.results.find(({ subject }) => subject === `/dev/${name}`) ?? assert.fail() };
}

const nvme = { kind: "nvme", criticalWarning: 0, mediaErrors: 2, usedPercent: 40, kelvins: 310 } as const;
const ata = { kind: "ata", failed: false, attributes: { 5: 8, 9: 1000, 194: 37 } } as const;

const ailing: readonly [title: string, name: string, health: HealthFacts, fault: RegExp][] = [
  ["NVMe with a critical warning", "nvme0n1", { ...nvme, criticalWarning: 8 }, /^Model X S3RIAL: .*0x08: .*read-only$/],
  ["ATA whose SMART status is bad", "sda", { ...ata, failed: true }, /^Model X S3RIAL: its SMART status/],
  ["SCSI that predicts its failure", "sda", { kind: "scsi", exception: 0x5d }, /^Model X S3RIAL: it predicts/],
];
for (const [title, name, health, fault] of ailing)
  test(`burn-in: a disk fails by its own word, and is not tested: ${title}`, (t) => {
    const { burnIn, result } = born(t, name, health);
    assert.deepEqual([burnIn?.verdict, result.ok, result.figures.readMiBps], ["failed", false, undefined]);
    assert.match(result.fault, fault);
  });

test("burn-in: what sound disks say of their health stands with their figures", (t) => {
  const figuresOf = (name: string, health: HealthFacts) => born(t, name, health).result.figures;
  const { readMiBps, latencyP50Ms, latencyP99Ms, kernelErrors: _, ...said } = figuresOf("nvme0n1", nvme);
  assert.ok([readMiBps, latencyP50Ms, latencyP99Ms].every((figure) => figure !== undefined));
  assert.deepEqual(said, {
    ...{ criticalWarning: 0, temperatureCelsius: 37, spareAvailablePercent: 100, enduranceUsedPercent: 40 },
    ...{ powerOnHours: 0, mediaErrors: 2 },
  });
  const { reallocatedSectors, powerOnHours, temperatureCelsius } = figuresOf("sda", ata);
  assert.deepEqual([reallocatedSectors, powerOnHours, temperatureCelsius], [8, 1000, 37]);
});

test("burn-in: a disk that loses sectors during its test has failed, although it says that it is well", (t) => {
  let asked = 0;
  const attributes = {
    get 5() {
      asked += 1;
      return asked === 1 ? 8 : 16;
    },
  };
  const { result } = born(t, "sda", { kind: "ata", failed: false, attributes });
  assert.equal(result.fault, "Model X S3RIAL: reallocatedSectors rose from 8 to 16");
  assert.ok(result.figures.readMiBps !== undefined, "it was tested");
});

test("burn-in: errors that the kernel reports during a test are counted and logged, those of its start are not", (t) => {
  const site = openSite({ config: { burnIn: tests } });
  t.after(site.close);
  let records = "3,1,100,-;ACPI BIOS Error\n";
  const attributes = {
    get 5() {
      records += `6,${records.length},200,-;sd 0:0:0:0: [sda] Attached\n3,9${records.length},201,-;I/O error, dev sda\n`;
      return 0;
    },
  };
  const disks = [
    { name: "vda", sizeBytes: 4 * 2 ** 30, serial: "root" },
    {
      ...{ name: "sda", sizeBytes: 8 * 2 ** 30, serial: "S", vendor: "ATA     " },
      device: () => healthFirmware({ kind: "ata", failed: false, attributes }),
    },
  ];
  const { end, kernel } = rackMachine(site, { disks, kernelRecords: () => records }).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.deepEqual(
    site.machine(mac).burnIn?.results.map(({ test, figures }) => [test, figures.kernelErrors]),
    [
      ["cpu", 0],
      ["memory", 0],
      ["diskRead", 2],
      ["network", 0],
      ["disk", 0],
    ],
  );
  assert.equal(
    kernel.screen.filter((line) => /kernel reports an error text=.*I\/O error, dev sda/.test(line)).length,
    2,
  );
});

test("burn-in: a disk that refuses to say how it is is tested like any other", (t) => {
  const refusal = { kind: "fails", errno: "EIO" } as const;
  const { result } = born(t, "nvme0n1", nvme, [{ call: "nvmeAdmin", trouble: refusal }]);
  assert.deepEqual([result.ok, result.figures.mediaErrors], [true, undefined]);
});

test("burn-in: long tests say how far they are", (t) => {
  const site = openSite({ config: { burnIn: { profile: "standard", memoryRounds: 40, diskMiB: 1, networkMiB: 0 } } });
  t.after(site.close);
  const { end, kernel } = rackMachine(site).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const notified = site
    .progress()
    .flatMap(({ what, current, currentPercent }) =>
      what === "burnIn" && currentPercent !== undefined ? [`${current} ${currentPercent}`] : [],
    );
  assert.ok(notified.includes("cpu 4 CPUs 50"), notified.join());
  assert.ok(notified.length > 12, notified.join());
});
