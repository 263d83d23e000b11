import assert from "node:assert/strict";
import { test } from "node:test";
import { clockForTls, type TimeHints } from "./clock-for-tls.ts";

const nowMs = 1_800_000_000_000;
const dayMs = 86_400_000;
const rows: readonly [title: string, hints: TimeHints, setTo: number | undefined][] = [
  ["a good clock stays", { clockMs: nowMs + dayMs, serverMs: nowMs }, undefined],
  ["a clock in the future", { clockMs: nowMs + dayMs + 1, serverMs: nowMs }, nowMs],
  ["a clock in the past", { clockMs: 0, serverMs: nowMs, certificateStartMs: 1 }, nowMs],
  ["an old boot script, a clock before the certificate", { clockMs: 0, certificateStartMs: nowMs }, nowMs],
  ["an old boot script, a clock after it", { clockMs: nowMs, certificateStartMs: 1 }, undefined],
  ["nothing known", { clockMs: 0 }, undefined],
];
for (const [title, hints, setTo] of rows) {
  test(`clock for TLS: ${title}`, () => assert.equal(clockForTls(hints), setTo));
}
