import assert from "node:assert/strict";
import { test } from "node:test";
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
  { title: "memory forgets", troubles: [{ call: "memoryTest", trouble: upset }], test: "memory", fault: /3 / },
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
    fault: /1 .*2 /,
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
    fault: /\b1 (of 2 )?MiB/,
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
    fault: /hashesPerSecond.*20000/,
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
