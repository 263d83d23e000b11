import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeySealing } from "../tpm/disk-key.ts";
import { hardware as hardwareOf } from "./testing/test-fleet.ts";
import { type Trust, trustOf } from "./trust.ts";

const hardware = hardwareOf();
const { bootTrust: _said, ...older } = hardware;
const rootDisk = { path: "/dev/vda", serial: "s", sizeBytes: 1, why: "only" };
const tpm = { ekSha256: "a".repeat(64), firstSeenMs: 1 };
const luks2 = { rootDisk, encryption: { kind: "luks2", keyIn: "uefi-variable" } } as const;
const askedFor = (sealing: KeySealing) => ({ rootDisk, encryption: { ...luks2.encryption, sealing } });
const plain = { rootDisk, encryption: { kind: "none", reason: "BIOS" } } as const;

const cases: readonly (readonly [string, Parameters<typeof trustOf>[0], Trust])[] = [
  ["nothing is known yet", {}, {}],
  ["a proof comes before the hardware", { tpm }, { identity: "tpm-bound" }],
  [
    "a report of a version without signed images",
    { hardware: { ...older, tpm: false } },
    { boot: "wire-trusted", identity: "no-tpm" },
  ],
  [
    "a TPM that no birth has proved",
    { hardware: { ...hardware, bootTrust: "signed-image", tpm: true }, storage: plain },
    { boot: "signed-image", identity: "tpm-unproved", disk: "unencrypted" },
  ],
  [
    "bound, though its TPM was later removed",
    { hardware: { ...hardware, tpm: false }, tpm, storage: luks2 },
    { boot: "wire-trusted", identity: "tpm-bound", disk: "unsealed-key", unsealed: "unsealed-not-asked" },
  ],
  [
    "a disk key in the TPM, whatever an earlier agent said",
    {
      storage: { rootDisk, encryption: { kind: "luks2", keyIn: "tpm" } },
      diskKey: { kind: "plain", reason: "the TPM is gone", cause: "tpm-gone" },
    },
    { disk: "tpm-key" },
  ],
  ["a sealed disk key", { storage: luks2, diskKey: { kind: "sealed" } }, { disk: "sealed-key" }],
  [
    "a disk key that an agent of an older version could not seal",
    { storage: luks2, diskKey: { kind: "plain", reason: "r" } },
    { disk: "unsealed-key", unsealed: "unsealed-failed" },
  ],
  [
    "a disk key whose agent has not said anything yet",
    { storage: askedFor("asked") },
    { disk: "unsealed-key", unsealed: "unsealed-awaited" },
  ],
  [
    "a birth behind Debian's signed loaders",
    { storage: askedFor("debian-loaders") },
    { disk: "unsealed-key", unsealed: "unsealed-debian-loaders" },
  ],
  [
    "the agent's word is newer than that of the birth",
    { storage: askedFor("asked"), diskKey: { kind: "plain", reason: "r", cause: "other-program" } },
    { disk: "unsealed-key", unsealed: "unsealed-other-program" },
  ],
  ["a start as written", { measuredBoot: { kind: "asWritten" } }, { start: "start-as-written" }],
  ["another start", { measuredBoot: { kind: "differs", pcrs: [9] } }, { start: "start-differs" }],
  ["a boot loader without a TPM", { measuredBoot: { kind: "notMeasured" } }, { start: "start-not-measured" }],
];
for (const [what, facts, expected] of cases) test(what, () => assert.deepEqual(trustOf(facts), expected));
