import assert from "node:assert/strict";
import { test } from "node:test";
import { describeMissingFirmware, failedRequest, missingFirmware, readFirmwareIndex } from "./missing-firmware.ts";

const index = readFirmwareIndex(
  [
    "alias pci:v000014E4d0000168Esv*sd*bc*sc*i* bnx2x",
    "file bnx2x/bnx2x-e2-7.13.21.0.fw bnx2x",
    "driver bnx2x bnx2x",
    "file intel/ice/ddp/ice.pkg ice",
    "driver ice ice",
    "driver r8169 r8169",
    "half a line",
    "",
  ].join("\n"),
);
const bnx2x = { address: "0000:03:00.0", id: "14e4:168e", modalias: "pci:v000014E4d0000168Esv0000sd0000bc02sc00i00" };

test("a device without a driver is named with the family that has one; with a driver it is not", () => {
  assert.deepEqual(missingFirmware(index, { devices: [{ ...bnx2x, driver: "" }], kernelLines: [] }), [
    { device: "14e4:168e at 0000:03:00.0", family: "bnx2x" },
  ]);
  assert.deepEqual(missingFirmware(index, { devices: [{ ...bnx2x, driver: "bnx2x" }], kernelLines: [] }), []);
  const stranger = { ...bnx2x, modalias: "pci:v00001234d00000001sv0000sd0000bc02sc00i00", driver: "" };
  assert.deepEqual(missingFirmware(index, { devices: [stranger], kernelLines: [] }), []);
});

const failures = [
  "bnx2x 0000:01:00.0: Direct firmware load for bnx2x/bnx2x-e2-7.13.21.0.fw failed with error -2",
  "bnx2x 0000:01:00.0: firmware: failed to load bnx2x/bnx2x-e2-7.13.21.0.fw (-2)",
  "[    7.000] bnx2x 0000:01:00.0: firmware: failed to load bnx2x/bnx2x-e2-7.13.21.0.fw (-2)",
] as const;

for (const line of failures)
  test(`a request that failed is read: ${line.slice(0, 60)}`, () =>
    assert.deepEqual(failedRequest(line), {
      driver: "bnx2x",
      device: "0000:01:00.0",
      file: "bnx2x/bnx2x-e2-7.13.21.0.fw",
    }));

test("failed requests name the family of the file, or of the driver for a file of another version; each device once", () => {
  const kernelLines = [
    failures[0],
    failures[1],
    "ice 0000:04:00.0: firmware: failed to load intel/ice/ddp/ice-0123.pkg (-2)",
    "r8169 0000:05:00.0 eth1: link up",
    "iwlwifi 0000:06:00.0: firmware: failed to load iwlwifi-1.ucode (-2)",
  ];
  assert.deepEqual(missingFirmware(index, { devices: [], kernelLines }), [
    { device: "bnx2x 0000:01:00.0", family: "bnx2x", file: "bnx2x/bnx2x-e2-7.13.21.0.fw" },
    { device: "ice 0000:04:00.0", family: "ice", file: "intel/ice/ddp/ice-0123.pkg" },
  ]);
});

test("a machine with very many devices reports the first ones", () => {
  const devices = Array.from({ length: 500 }, (_, at) => ({ ...bnx2x, address: `d${at}`, driver: "" }));
  assert.equal(missingFirmware(index, { devices, kernelLines: [] }).length, 32);
});

test("what is missing says what to do", () => {
  const request = { device: "ice 0000:04:00.0", family: "ice", file: "intel/ice/ddp/ice.pkg" };
  assert.equal(
    describeMissingFirmware(request),
    "NIC ice 0000:04:00.0 needs firmware (intel/ice/ddp/ice.pkg) that the Bootstrap Image lacks: add ice to bootstrapImage.firmware",
  );
});
