import assert from "node:assert/strict";
import { test } from "node:test";
import { type DiskSettling, type DiskSight, disksSettleSeconds, settleDisks } from "./disk-settling.ts";
import type { Disk } from "./hardware.ts";

function disk(path: string, more: Partial<Disk> = {}): Disk {
  return {
    ...{ path, model: "", serial: path, wwn: "", sizeBytes: 2 ** 32, rotational: false, removable: false, bus: "ata" },
    ...more,
  };
}
const a = disk("/dev/sda");
const b = disk("/dev/sdb");
const stick = disk("/dev/sdz", { bus: "usb" });

/** When the wait ends for a machine whose disks are `disksAt(nowMs)`. */
function settledAtMs(disksAt: (nowMs: number) => readonly Disk[], more: Partial<DiskSight> = {}): number {
  let state: DiskSettling | undefined;
  for (let nowMs = 0; ; ) {
    state = settleDisks(state, { hostDrivers: [], ...more, disks: disksAt(nowMs) }, nowMs);
    if (state.kind === "settled") return nowMs;
    assert.ok(state.wakeAtMs > nowMs, "the wait goes on");
    nowMs = state.wakeAtMs;
  }
}

const rows: readonly { title: string; atMs: number; disksAt: (nowMs: number) => readonly Disk[]; more?: object }[] = [
  { title: "a disk that was there from the start", disksAt: () => [a], atMs: 2000 },
  { title: "a second disk that comes later", disksAt: (nowMs) => (nowMs < 1500 ? [a] : [a, b]), atMs: 3500 },
  {
    title: "a disk that another one takes the name of",
    disksAt: (nowMs) => [nowMs < 1000 ? a : { ...b, path: a.path }],
    atMs: 3000,
  },
  { title: "a first disk that takes its time", disksAt: (nowMs) => (nowMs < 9000 ? [] : [a]), atMs: 11_000 },
  { title: "a stick is no disk to wait with", disksAt: (nowMs) => (nowMs < 9000 ? [stick] : [stick, a]), atMs: 11_000 },
  { title: "no disk at all", disksAt: () => [], atMs: 20_000 },
  { title: "a SAS controller", disksAt: () => [a], more: { hostDrivers: ["ahci", "mpt3sas"] }, atMs: 8000 },
  {
    title: "the recorded disk comes last",
    disksAt: (nowMs) => (nowMs < 9000 ? [a] : [a, b]),
    more: { recorded: { serial: "/dev/sdb" } },
    atMs: 11_000,
  },
  {
    title: "of two disks with one serial number, the second comes last",
    disksAt: (nowMs) => (nowMs < 9000 ? [a] : [a, { ...a, path: "/dev/sdb" }]),
    more: { recorded: a, knownDisks: [a, { ...a, path: "/dev/sdb" }] },
    atMs: 11_000,
  },
  { title: "the recorded disk is gone", disksAt: () => [a], more: { recorded: { serial: "gone" } }, atMs: 20_000 },
  {
    title: "disks that come and go",
    disksAt: (nowMs) => (Math.floor(nowMs / 1000) % 2 === 0 ? [a] : [a, b]),
    atMs: disksSettleSeconds * 1000,
  },
];
for (const { title, disksAt, more, atMs } of rows) {
  test(`disks settle: ${title}`, () => assert.equal(settledAtMs(disksAt, more), atMs));
}
