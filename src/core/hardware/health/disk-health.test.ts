import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceCommands } from "../device-commands.ts";
import { readAtaHealth } from "./ata-smart.ts";
import { damageBetween } from "./disk-health.ts";
import { readNvmeHealth } from "./nvme-health.ts";
import { readScsiHealth } from "./scsi-log.ts";
import type { ScsiData } from "./scsi-read.ts";

/** 512 bytes with numbers, each little-endian at its offset. */
function block(numbers: { readonly [at: number]: readonly [value: number, size: number] }): Uint8Array {
  const bytes = new Uint8Array(512);
  for (const [at, [value, size]] of Object.entries(numbers))
    for (let byte = 0; byte < size; byte += 1) bytes[Number(at) + byte] = Math.floor(value / 256 ** byte) % 256;
  return bytes;
}

const nothing = new Uint8Array(0);
const done = (data: Uint8Array, sense = nothing): ScsiData => ({ status: 0, transport: 0, sense, data });
const refused: ScsiData = {
  status: 2,
  transport: 0,
  sense: Uint8Array.of(0x72, 5, 0x20, 0, 0, 0, 0, 0),
  data: nothing,
};

/** A disk that answers SCSI commands by their bytes. */
function scsiDisk(answerTo: (cdb: readonly number[]) => ScsiData): Pick<DeviceCommands, "scsi"> {
  return {
    scsi: (cdb, into, { direction }) => {
      const { data, ...answer } = answerTo(cdb);
      assert.equal(direction, into.length === 0 ? "none" : "in");
      into.set(data);
      return { ...answer, bytes: data.length };
    },
  };
}

/** A controller whose health log has these bytes. */
const nvmeDisk = (log: Uint8Array): Pick<DeviceCommands, "nvme"> => ({
  nvme: (command, into) => {
    assert.deepEqual(command, { opcode: 2, namespace: 0xffffffff, cdw10: 0x007f0002 });
    into.set(log);
    return 0;
  },
});

test("NVMe: figures and critical warnings of its log", () => {
  const well = block({ 1: [308, 2], 3: [100, 1], 5: [7, 1], 128: [12_034, 16] });
  assert.deepEqual(readNvmeHealth(nvmeDisk(well)), {
    figures: {
      ...{ criticalWarning: 0, temperatureCelsius: 35, spareAvailablePercent: 100, enduranceUsedPercent: 7 },
      ...{ powerOnHours: 12_034, mediaErrors: 0 },
    },
    failures: [],
  });
  const ill = block({ 0: [0x09, 1], 160: [3, 16] });
  const { failures, figures } = readNvmeHealth(nvmeDisk(ill));
  assert.throws(() => readNvmeHealth({ nvme: () => 0x4002 }), /log page 2: status 0x4002/);
  assert.deepEqual(failures, [
    "critical warning 0x09: its spare capacity has fallen below its threshold",
    "critical warning 0x09: it has become read-only",
  ]);
  assert.deepEqual([figures.mediaErrors, figures.temperatureCelsius], [3, undefined]);
});

/** Attributes of SMART data, with the sum of all bytes zero. */
function smartData(raw: { readonly [id: number]: number }): Uint8Array {
  const bytes = block({});
  Object.entries(raw).forEach(([id, value], index) => {
    const at = 2 + 12 * index;
    bytes.set([Number(id), 0x33, 0, 100, 100], at);
    bytes.set(block({ 0: [value, 6] }).subarray(0, 6), at + 5);
  });
  bytes[511] = (256 - (bytes.reduce((sum, byte) => sum + byte, 0) % 256)) % 256;
  return bytes;
}

/** Sense data with the ATA status descriptor, or the fixed kind; both say LBA mid and high. */
const descriptorSense = (mid: number, high: number) =>
  Uint8Array.of(0x72, 1, 0, 0x1d, 0, 0, 0, 14, 0x09, 0x0c, 0, 0, 0, 0, 0, 0, 0, mid, 0, high, 0, 0x50);
const fixedSense = (mid: number, high: number) =>
  Uint8Array.of(0x70, 0, 1, 0, 0x50, 0, 0, 10, 0, 0, mid, high, 0, 0x1d);

/** A disk that answers ATA PASS-THROUGH (16) by the ATA command and its feature. */
function ataDisk(answers: { readonly [command: string]: ScsiData }) {
  return scsiDisk((cdb) => {
    assert.deepEqual([cdb.length, cdb[0]], [16, 0x85]);
    return answers[[cdb[14], cdb[4]].map((byte) => (byte ?? 0).toString(16)).join(" ")] ?? refused;
  });
}

test("ATA: the attributes that makers agree on, and the SMART status", () => {
  const data = smartData({
    5: 8,
    9: 0x0a_000000 + 26_000,
    194: 0x2d_0012_0000 * 65_536 + 38,
    197: 2,
    198: 1,
    199: 40,
    1: 99,
  });
  const disk = ataDisk({ "b0 d0": done(data), "b0 da": done(nothing, descriptorSense(0x4f, 0xc2)) });
  assert.deepEqual(readAtaHealth(disk), {
    figures: {
      ...{ reallocatedSectors: 8, powerOnHours: 26_000, temperatureCelsius: 38, pendingSectors: 2 },
      ...{ uncorrectableSectors: 1, crcErrors: 40 },
    },
    failures: [],
  });
});

test("ATA: a SMART status of failure, in either kind of sense data; what is left of a solid-state disk", () => {
  for (const sense of [descriptorSense(0xf4, 0x2c), fixedSense(0xf4, 0x2c)]) {
    const statistics = block({ 0: [1, 2], 2: [7, 1], 8: [93, 1], 15: [0xc0, 1] });
    const disk = ataDisk({
      "b0 d0": done(smartData({})),
      "b0 da": { ...done(nothing, sense), status: 2 },
      "2f 0": done(statistics),
    });
    const health = readAtaHealth(disk);
    assert.deepEqual(health?.figures, { enduranceUsedPercent: 93 });
    assert.match(health?.failures.join() ?? "", /SMART status/);
  }
});

test("ATA: without SMART, or with data that is no SMART data, nothing is said", () => {
  assert.equal(readAtaHealth(scsiDisk(() => refused)), undefined);
  const broken = smartData({ 5: 1 });
  broken[511] = (broken[511] ?? 0) ^ 1;
  assert.equal(readAtaHealth(scsiDisk(() => done(broken))), undefined);
});

/** A log page with one parameter. */
function page(number: number, parameter: number, value: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(512);
  bytes.set([number, 0, 0, 4 + value.length, parameter >> 8, parameter & 0xff, 0, value.length, ...value]);
  return bytes;
}

test("SCSI: log pages of a SAS disk, and its prediction of a failure", () => {
  const pages: { readonly [number: number]: Uint8Array } = {
    3: page(3, 6, [0, 0, 1, 2]),
    13: page(13, 0, [0, 41]),
    17: page(17, 1, [0, 0, 0, 12]),
    21: page(21, 0, [0, 0x0b, 0x71, 0xb0, 0, 0, 0, 0]),
    47: page(47, 0, [0x5d, 0x10, 41]),
  };
  const disk = scsiDisk((cdb) => {
    assert.deepEqual([cdb.length, cdb[0], (cdb[2] ?? 0) >> 6], [10, 0x4d, 1]);
    const found = pages[(cdb[2] ?? 0) & 0x3f];
    return found === undefined ? refused : done(found);
  });
  assert.deepEqual(readScsiHealth(disk), {
    figures: { temperatureCelsius: 41, enduranceUsedPercent: 12, powerOnHours: 12_500, readErrors: 258 },
    failures: ["it predicts its own failure (informational exception 0x5d/0x10)"],
  });
});

test("SCSI: a volume without log pages says nothing; pages cut short are no pages", () => {
  assert.equal(readScsiHealth(scsiDisk(() => refused)), undefined);
  assert.equal(readScsiHealth(scsiDisk(() => done(Uint8Array.of(0x2f, 0, 0xff, 0xff, 0, 0, 0)))), undefined);
});

test("damage is what rises between two readings; what a disk says only once is none", () => {
  const before = { reallocatedSectors: 8, pendingSectors: 0, powerOnHours: 1, mediaErrors: 2 };
  assert.deepEqual(damageBetween(before, { ...before, powerOnHours: 2, crcErrors: 3 }), []);
  assert.deepEqual(damageBetween(before, { ...before, pendingSectors: 8, mediaErrors: 3 }), [
    "pendingSectors rose from 0 to 8",
    "mediaErrors rose from 2 to 3",
  ]);
});
