import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "../record.ts";
import { testMachine } from "../testing/test-machine.ts";
import { defaultDeadlineSeconds } from "./deadlines.ts";
import { type Look, type LookRules, lookAt } from "./look.ts";
import { emptyTally, nextRepair, type RepairPolicy, tallyForRepair, whyNoRebirth } from "./repair.ts";
import { checkProgress, defaultWatchRules } from "./stall-detection.ts";

const rules = { ...defaultWatchRules, deadlineSeconds: defaultDeadlineSeconds };
const repair: RepairPolicy = { afterSeconds: 600, rebirths: 1, withinSeconds: 86_400, rebirthsPerHour: 1 };
const silentMs = defaultDeadlineSeconds.up * 1000;
const { id } = testMachine("healthy");
const failing = { kind: "failing", reason: "r", sinceMs: 0 } as const;
const booting = testMachine("birth", { phase: "offered", phaseAtMs: 0 });
const offeredMs = defaultDeadlineSeconds.offered * 1000;
const resumed = testMachine("birth", { ...booting, conditions: [{ ...failing, watched: true }] });
const failed = testMachine("birth", { ...booting, phase: "initUp", conditions: [failing] });
const lost = testMachine("healthy", {
  ...{ phase: "rebooting", phaseAtMs: 0, conditions: [failing] },
  repair: { rebirthsAtMs: [], atMs: 0, trial: { boots: 2, atMs: silentMs - rules.deadlineSeconds.rebooting * 1000 } },
});
const suspected = testMachine("healthy", { phase: "rebooting", phaseAtMs: 0, conditions: [failing] });
const reborn = testMachine("rebirth", { repair: { rebirthsAtMs: [silentMs], atMs: silentMs } });

type Row = readonly [title: string, machine: Machine, nowMs: number, by: Partial<LookRules>, expected: Look];
const progress = checkProgress(booting, offeredMs, rules);
const stalled = { kind: "stalled", id, reason: progress.kind === "stalled" ? progress.reason : assert.fail() } as const;
const step = nextRepair(lost, silentMs, { ...repair, ...rules });
const reason = step.kind === "step" ? step.reason : assert.fail();
const prove = { kind: "repairStepped", id, step: "prove", silentSinceMs: 0, reason } as const;
const answers = "its permanent address answers, so a system runs there although its agent is silent";
const rebirth = { kind: "repairStepped", id, step: "rebirth", silentSinceMs: 0, reason } as const;
const enough = tallyForRepair(emptyTally, reborn, { ...rules, nowMs: silentMs });
const putOff = whyNoRebirth(enough, repair) ?? assert.fail();
const rows: readonly Row[] = [
  ["nothing is expected of it", testMachine("unknown"), 1, {}, {}],
  ["it gets on until its deadline", booting, 1, {}, { lookAgainAtMs: offeredMs }],
  ["it is past its deadline", booting, offeredMs, {}, { event: stalled }],
  [
    "past its deadline, but another process acts",
    booting,
    offeredMs,
    { leads: () => false },
    { lookAgainAtMs: offeredMs + 60_000 },
  ],
  ["it gets on again", resumed, 1, {}, { event: { kind: "resumed", id }, lookAgainAtMs: offeredMs }],
  ["it fails, and no policy says what to do", failed, 1, {}, { lookAgainAtMs: defaultDeadlineSeconds.initUp * 1000 }],
  ["it fails, and the policy waits", failed, 1, { repair }, { lookAgainAtMs: 600_000 }],
  [
    "it is lost, and the policy sends it to rebirth",
    ...([lost, silentMs, { repair }, { event: rebirth, lookAgainAtMs: 1_200_000 }] as const),
  ],
  [
    "it seems lost, and is asked for proof",
    ...([suspected, silentMs, { repair }, { event: prove, lookAgainAtMs: 1_200_000 }] as const),
  ],
  [
    "it seems lost, and the fleet is not counted yet",
    suspected,
    silentMs,
    { repair, tally: () => undefined },
    { count: true, lookAgainAtMs: silentMs + 60_000 },
  ],
  [
    "it seems lost, and its address is not probed yet",
    suspected,
    silentMs,
    { repair, presenceOf: () => undefined },
    { probe: true, lookAgainAtMs: silentMs + 60_000 },
  ],
  [
    "it is lost, but its address answers",
    lost,
    silentMs,
    { repair, presenceOf: () => "answers" },
    { putOff: answers, lookAgainAtMs: silentMs + 60_000 },
  ],
  [
    "it is lost, but another process acts",
    lost,
    silentMs,
    { repair, leads: () => false },
    { lookAgainAtMs: silentMs + 60_000 },
  ],
  [
    "it is lost, but enough machines were sent to rebirth",
    lost,
    silentMs,
    { repair, tally: () => enough },
    { putOff, lookAgainAtMs: silentMs + 60_000 },
  ],
];
for (const [title, machine, nowMs, by, expected] of rows)
  test(`look: ${title}`, () => {
    const none: LookRules = {
      ...{ rules, repair: undefined, leads: () => true, tally: () => emptyTally, presenceOf: () => "silent" },
    };
    const all: LookRules = { ...none, ...by };
    assert.deepEqual(lookAt(machine, nowMs, all), expected);
  });
