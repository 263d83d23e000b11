import assert from "node:assert/strict";
import { test } from "node:test";
import type { SummaryView } from "../../contract/operator/fleet-views.ts";
import { summarise } from "../../core/fleet/summary.ts";
import { powerOn } from "../../core/fleet/testing/power-on.ts";
import { completeSummary, type SentSummary } from "./older-server.ts";
import { screenText } from "./status.ts";

const nowMs = Date.UTC(2026, 10, 30, 9);
const { summary } = summarise(powerOn({ racks: 2, units: 4, apartMs: 1000, nowMs, beganMs: nowMs - 600_000 }), {
  nowMs,
});
const newest: SummaryView = {
  ...{ ...summary, causes: [], networks: [], imports: [], unreadable: 0 },
  server: { version: "0.1.0", startedAtMs: nowMs - 60_000, faults: [] },
};
const screen = (sent: SentSummary) => screenText({ summary: sent, inconsistencies: [], streams: [] }, 1000).join("\n");

test("status of an older server has what it tells, no invented numbers, and a line that names what it does not tell", () => {
  const { suspect: _suspect, imports: _imports, ...older } = newest;
  const text = screen(older);
  assert.equal(text.replace(/\nthe server .*$/, ""), screen(newest));
  assert.match(
    text,
    /\nthe server \(version 0\.1\.0\) is older than this command and does not tell: imports of images, suspect machines$/,
  );
  assert.ok(!/undefined|NaN/.test(text), text);
});

test("every later field may be missing at once; a server of this version is told of in no extra line", () => {
  const { unplaced: _1, work: _2, diskKeys: _3, unreadable: _4, imports: _5, suspect: _6, ...oldest } = newest;
  assert.ok(!/undefined|NaN/.test(screen(oldest)));
  assert.equal(completeSummary(oldest).untold.length, 6);
  assert.deepEqual(completeSummary(newest), { summary: newest, untold: [] });
});
