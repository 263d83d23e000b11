import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../../tests/support/runs.ts";
import type { ConditionKind } from "../condition.ts";
import type { MachineEvent } from "../event.ts";
import { orderActionOf } from "../next-boot.ts";
import { type Phase, phases } from "../phase.ts";
import type { Machine, MachineIn } from "../record.ts";
import { machineStates } from "../state.ts";
import { asked, burnIn, healthy, id, issued, mac, place, taken, testFleet } from "../testing/test-fleet.ts";
import { testMachine } from "../testing/test-machine.ts";
import { defaultDeadlineSeconds } from "./deadlines.ts";
import {
  emptyTally,
  nextRepair,
  provedBootsBeforeRebirth,
  type RepairPolicy,
  type RepairTally,
  tallyForRepair,
  whyNoRebirth,
} from "./repair.ts";
import { checkProgress, defaultWatchRules, type WatchRules, watchEvent } from "./stall-detection.ts";

const rules: WatchRules = { ...defaultWatchRules, deadlineSeconds: defaultDeadlineSeconds };
const minuteMs = 60_000;
const seen = (n: number, phase: Phase): MachineEvent => ({ kind: "phaseSeen", id: id(n), phase });
/** Looks as the skin does, and carries out what the look says. */
function look(world: ReturnType<typeof testFleet>, n = 1) {
  const progress = checkProgress(world.get(n), world.nowMs(), rules);
  const event = watchEvent(world.get(n), progress);
  if (event !== undefined) world.all(event);
  return progress;
}
const failing = (world: ReturnType<typeof testFleet>, n = 1) =>
  world.get(n).conditions.find(({ kind }) => kind === "failing")?.reason;

describe("a phase past its deadline", () => {
  test("a clean whose disks erase themselves may take days, and not for ever", () => {
    const nowMs = 10 * 86_400_000;
    const since = (hours: number) => {
      const clean = { ...testMachine("clean"), phase: "placed", phaseAtMs: nowMs - hours * 3_600_000 } as const;
      return [clean, { ...clean, erase: { sanitize: "require" } } as const].map(
        (machine) => checkProgress(machine, nowMs, rules).kind,
      );
    };
    assert.deepEqual(
      [since(5), since(90), since(97)],
      [
        ["stalled", "well"],
        ["stalled", "well"],
        ["stalled", "stalled"],
      ],
    );
  });

  for (const phase of phases) {
    test(`${phase}: failing at the deadline, not before, and no longer with the next phase`, () => {
      const world = testFleet();
      const isBirth = phases.indexOf(phase) <= phases.indexOf("populated");
      world.all(asked(1), issued(1, "t", 1e12), taken(1, "t"));
      if (!isBirth) world.all(healthy(1, 1));
      if (phase === "up") world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
      else if (phase !== "initUp") world.all(seen(1, phase));
      const progress = look(world);
      assert.equal(progress.kind, "well");
      const byMs = progress.kind === "well" ? progress.lookAgainAtMs : 0;
      assert.equal(byMs - (world.get(1).phaseAtMs ?? 0), defaultDeadlineSeconds[phase] * 1000);
      assert.equal(checkProgress(world.get(1), byMs - 1, rules).kind, "well");
      world.later(byMs - world.nowMs());
      look(world);
      const named: { readonly [P in Phase]?: RegExp } = {
        up: /not polled for 15 min/,
        rebooting: /^its disk does not boot: sent to its disk 20 min ago/,
      };
      assert.match(failing(world) ?? "", named[phase] ?? new RegExp(`phase ${phase}`));
      if (phase === "up") world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
      else
        world.all(
          seen(
            1,
            isBirth
              ? phase === "keysMade"
                ? "partitioned"
                : "keysMade"
              : phase === "fetching"
                ? "updating"
                : "fetching",
          ),
        );
      look(world);
      assert.equal(failing(world), undefined);
    });
  }

  test("on BIOS with several disks, a disk that does not boot names the disk order", () => {
    const recorded = (biosDrive?: number) => {
      const world = testFleet();
      const one = { path: "/dev/sda", serial: "S1", wwn: "", sizeBytes: 2 ** 30 };
      const born = healthy(1, 1);
      if (born.kind !== "becameHealthy") assert.fail(born.kind);
      const rootDisk = { ...one, why: "only", ...(biosDrive === undefined ? {} : { biosDrive }) };
      const storage = { ...born.storage, rootDisk, disks: [one, { ...one, path: "/dev/sdb", serial: "S2" }] };
      world.all(
        asked(1),
        issued(1),
        taken(1),
        { kind: "placed", id: id(1), placement: place(1) },
        { ...born, storage },
      );
      world.all({ kind: "phaseSeen", id: id(1), phase: "rebooting" });
      world.later(rules.deadlineSeconds.rebooting * 1000);
      look(world);
      return failing(world) ?? "";
    };
    assert.match(
      recorded(0x81),
      /2 disks: its root disk \(BIOS drive 0x81, serial S1, 1024 MiB\) is not known .*put it first/,
    );
    assert.match(recorded(), /its root disk \(serial S1/);
    assert.doesNotMatch(recorded(0x80), /disks/);
  });

  test("iPXE in a ROM that restarts after its kernel was sent is a start each time, and too little memory is named", () => {
    const world = testFleet();
    for (let n = 0; n <= rules.boots; n += 1) {
      const stage = { stage: "loader", answer: "script" } as const;
      world.all(asked(1, stage), { kind: "phaseSeen", id: id(1), phase: "kernelSent" });
      world.later(1000);
      world.all(asked(1, stage));
      assert.equal(world.get(1).phase, "kernelSent", "a late packet of the same transaction is no start");
      world.later(21_000);
    }
    look(world);
    assert.match(failing(world) ?? "", /started 5 times .* phase kernelSent: .*512 MiB of memory/);
  });

  const excused: readonly ConditionKind[] = ["hold", "maintenance", "waiting"];
  for (const condition of excused)
    test(`does not count in ${condition}`, () => {
      const world = testFleet();
      world.all(asked(1), { kind: "conditionSet", id: id(1), condition, reason: "r" });
      world.later(1e9);
      assert.deepEqual(look(world), { kind: "unwatched" });
    });

  test("is not checked when no progress is expected: unknown, or a rebirth before its reset", () => {
    const world = testFleet().born(1);
    world.all(asked(2, { nursery: false }), { kind: "rebirthAsked", id: id(1), by: "op" });
    world.later(1e9);
    assert.deepEqual([look(world, 1), look(world, 2)], [{ kind: "unwatched" }, { kind: "unwatched" }]);
  });

  test("neither replaces nor clears the failure of a step", () => {
    const world = testFleet();
    world.all(asked(1), issued(1), taken(1), { kind: "failed", id: id(1), step: "place", reason: "no frame" });
    world.later(1e8);
    look(world);
    assert.equal(failing(world), "place: no frame");
    world.all(asked(1));
    look(world);
    assert.equal(failing(world), "place: no frame");
  });
});

describe("starts without progress", () => {
  const attempt = (world: ReturnType<typeof testFleet>, ...reached: Phase[]) => {
    world.all(asked(1));
    for (const phase of reached) world.all(seen(1, phase));
    world.later(2 * minuteMs);
  };

  test("too many are failing; a start that gets further ends it", () => {
    const world = testFleet();
    attempt(world, "loaderSent");
    for (let n = 1; n < rules.boots; n += 1) attempt(world, "loaderSent");
    assert.equal(look(world).kind, "well");
    attempt(world, "loaderSent");
    look(world);
    assert.match(failing(world) ?? "", /^started 5 times within 10 min without getting past phase loaderSent/);
    attempt(world, "loaderSent", "kernelSent");
    look(world);
    assert.equal(failing(world), undefined);
  });

  test("do not count when spread over a long time", () => {
    const world = testFleet();
    for (let n = 0; n < 30; n += 1) {
      attempt(world, "loaderSent");
      world.later(rules.bootsWithinSeconds * 300);
      assert.equal(checkProgress(world.get(1), (world.get(1).phaseAtMs ?? 0) + 1, rules).kind, "well");
    }
  });

  test("a burn-in that never completes is named", () => {
    const world = testFleet();
    for (let n = 0; n < rules.burnInAttempts; n += 1) attempt(world, "loaderSent", "initUp");
    look(world);
    assert.match(failing(world) ?? "", /init started 3 times, but the burn-in never completed/);
    attempt(world, "loaderSent", "initUp", "burnIn");
    look(world);
    assert.equal(failing(world), undefined);
  });
});

const policy: RepairPolicy = { afterSeconds: 600, rebirths: 2, withinSeconds: 86_400, rebirthsPerHour: 5 };
const all = { ...policy, deadlineSeconds: defaultDeadlineSeconds };

describe("repair by policy", () => {
  /** A healthy machine that restarts and restarts, silent for an hour. */
  const lost = () => {
    const world = testFleet().born(1);
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    for (let n = 0; n < 4; n += 1) {
      world.later(20 * minuteMs);
      world.all(asked(1, { answer: "local" }));
    }
    assert.match(failing(world) ?? "", /started/);
    return world;
  };
  const step = (world: ReturnType<typeof testFleet>) => {
    const repair = nextRepair(world.get(1), world.nowMs(), all);
    assert.equal(repair.kind, "step", JSON.stringify(repair));
    if (repair.kind !== "step") assert.fail();
    const { kind: _kind, ...rest } = repair;
    world.all({ kind: "repairStepped", id: id(1), ...rest });
    return repair.step;
  };
  /** A network boot of the real machine: its init presents the token of its boot script. */
  const provesBoot = (world: ReturnType<typeof testFleet>, token: string) => {
    world.all(asked(1), issued(1, token, 1e12));
    const decision = world.apply(taken(1, token));
    assert.equal(decision.kind === "refused" && decision.refusal.kind, "bootProved");
    assert.deepEqual([world.get(1).state, world.get(1).order], ["healthy", undefined]);
    assert.equal(nextRepair(world.get(1), world.nowMs(), all).kind, "later", "the disk has its chance");
    world.later(defaultDeadlineSeconds.rebooting * 1000);
  };
  const provesAll = (world: ReturnType<typeof testFleet>) => {
    for (let n = 0; n < provedBootsBeforeRebirth; n += 1) {
      assert.equal(step(world), "prove");
      provesBoot(world, `proof${n}`);
    }
  };
  const fails = (world: ReturnType<typeof testFleet>, generation: number) => {
    world.all(asked(1), issued(1, `g${generation}`, 1e12), taken(1, `g${generation}`), healthy(1, generation));
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    for (let n = 0; n < 4; n += 1) {
      world.later(20 * minuteMs);
      world.all(asked(1, { answer: "local" }));
    }
  };

  test("rebirth within the budget, then debug, then hold, then nothing", () => {
    const world = lost();
    world.later(policy.afterSeconds * 1000);
    provesAll(world);
    assert.equal(step(world), "rebirth");
    assert.deepEqual([world.get(1).state, world.get(1).generation, failing(world)], ["rebirth", 2, undefined]);
    fails(world, 2);
    world.later(policy.afterSeconds * 1000);
    provesAll(world);
    assert.equal(step(world), "rebirth");
    fails(world, 3);
    world.later(policy.afterSeconds * 1000);
    assert.equal(step(world), "debug");
    assert.equal(nextRepair(world.get(1), world.nowMs(), all).kind, "later");
    world.later(policy.afterSeconds * 1000);
    assert.equal(step(world), "hold");
    world.later(1e9);
    assert.equal(nextRepair(world.get(1), world.nowMs(), all).kind, "none");
    assert.equal(world.get(1).state, "healthy");
  });

  test("a machine whose installation keeps failing: debug once, then hold, even if a burn-in clears debug", () => {
    const world = testFleet();
    const attempt = (token: string) => {
      world.all(asked(1), issued(1, token, 1e12), taken(1, token), burnIn(1, "passed"));
      world.all({ kind: "failed", id: id(1), step: "partition", reason: "disk" });
      world.later(policy.afterSeconds * 1000);
    };
    attempt("a");
    assert.equal(step(world), "debug");
    attempt("b");
    assert.equal(step(world), "hold");
    assert.equal(world.apply(issued(1, "c", 1e12)).kind, "refused");
  });

  test("a machine that polls before its rebirth begins returns to its former state", () => {
    const world = lost();
    world.later(policy.afterSeconds * 1000);
    provesAll(world);
    assert.equal(step(world), "rebirth");
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    assert.deepEqual([world.get(1).state, world.get(1).repair?.pending], ["healthy", undefined]);
    world.all({ kind: "rebirthAsked", id: id(1), by: "op" }, { kind: "subSeen", id: id(1), runningImage: "compute" });
    assert.equal(world.get(1).state, "rebirth", "an operator's word stands");
  });

  test("a machine that has polled since the check is not sent to rebirth", () => {
    const world = lost();
    const event = { kind: "repairStepped", id: id(1), step: "rebirth", reason: "r" } as const;
    assert.equal(world.apply({ ...event, silentSinceMs: world.get(1).lastSeenAtMs - 1 }).kind, "refused");
    world.all({ ...event, silentSinceMs: world.get(1).lastSeenAtMs });
  });

  test("packets that anyone can send never lead to a rebirth", () => {
    const world = lost();
    world.later(policy.afterSeconds * 1000);
    assert.equal(step(world), "prove");
    for (let n = 0; n < 200; n += 1) {
      world.later(20 * minuteMs);
      world.all(asked(1, { answer: "loader" }), issued(1, `forged${n}`, 1e12));
      assert.equal(nextRepair(world.get(1), world.nowMs(), all).kind, "none");
      assert.equal(world.apply(taken(1, "guessed")).kind, "refused");
    }
    assert.deepEqual([world.get(1).state, world.get(1).repair?.trial?.boots], ["healthy", 0]);
  });

  test("a poll ends a trial, and the machine is sent to its disk again", () => {
    const world = lost();
    world.later(policy.afterSeconds * 1000);
    assert.equal(step(world), "prove");
    assert.equal(orderActionOf(world.get(1)), "resume", "the Bootstrap Image, which erases nothing");
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    assert.deepEqual([world.get(1).repair?.trial, orderActionOf(world.get(1))], [undefined, undefined]);
  });

  test("a machine that is only silent is not sent to rebirth: it may be switched off", () => {
    const world = testFleet().born(1);
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    world.later(1e9);
    look(world);
    assert.notEqual(failing(world), undefined);
    world.later(1e9);
    assert.equal(nextRepair(world.get(1), world.nowMs(), all).kind, "none");
  });

  const up = { phase: "up", phaseAtMs: 0 } as const;
  const machine = (n: number, change: Partial<MachineIn<"healthy">>) =>
    testMachine("healthy", { ...{ id: id(n), macs: [mac(n % 16)] }, ...up, runningImage: "compute", ...change });

  test("no rebirth in a fleet that falls silent at once, nor beyond the hourly limit", () => {
    const nowMs = 1e9;
    const fleet = (silent: number, begun: number) => [
      ...Array.from({ length: silent }, (_, n) => machine(n, {})),
      ...Array.from({ length: 30 }, (_, n) => machine(n, { lastSeenAtMs: nowMs })),
      ...Array.from({ length: begun }, (_, n) =>
        machine(n, { lastSeenAtMs: nowMs, repair: { rebirthsAtMs: [nowMs - 1], atMs: 0 } }),
      ),
    ];
    const why = (silent: number, begun: number) => {
      const count = (sum: RepairTally, one: Machine) => tallyForRepair(sum, one, { ...all, nowMs });
      return whyNoRebirth(fleet(silent, begun).reduce(count, emptyTally), all);
    };
    assert.equal(why(5, 4), undefined);
    assert.match(why(10, 0) ?? "", /10 of 40 healthy machines are silent/);
    assert.match(why(1, 5) ?? "", /already sent 5 machines to rebirth/);
  });

  test("random machines: no step without a failing condition of sufficient age; no rebirth of a machine that polls, is switched off, on hold or over its budget", () => {
    const conditions = fc.subarray<ConditionKind>([
      "hold",
      "failing",
      "debug",
      "maintenance",
      "conflict",
      "waiting",
      "retired",
    ]);
    const times = fc.integer({ min: 0, max: 5_000_000 });
    fc.assert(
      fc.property(
        fc.record({
          state: fc.constantFrom(...machineStates),
          kinds: conditions,
          sinceMs: times,
          lastSeenAtMs: times,
          nowMs: times,
        }),
        fc.record({
          boots: fc.nat({ max: 5 }),
          ran: fc.boolean(),
          rebirthsAtMs: fc.array(times, { maxLength: 4 }),
          stepAtMs: times,
          trialBoots: fc.nat({ max: 3 }),
        }),
        ({ state, kinds, sinceMs, lastSeenAtMs, nowMs }, { boots, ran, rebirthsAtMs, stepAtMs, trialBoots }) => {
          const facts = {
            ...{ ...up, lastSeenAtMs, conditions: kinds.map((kind) => ({ kind, reason: "r", sinceMs })) },
            repair: { rebirthsAtMs, atMs: stepAtMs, trial: { boots: trialBoots, atMs: 0 } },
          };
          const running = ran ? { runningImage: "compute" } : {};
          const unheardBoots = { count: boots, lastAtMs: 0 };
          const one: Machine =
            state === "healthy"
              ? testMachine(state, { ...facts, ...running, unheardBoots })
              : testMachine(state, facts);
          const repair = nextRepair(one, nowMs, all);
          if (repair.kind !== "step") return;
          assert.ok(kinds.includes("failing") && nowMs - sinceMs >= policy.afterSeconds * 1000);
          assert.ok(nowMs - stepAtMs >= policy.afterSeconds * 1000);
          for (const kind of ["hold", "maintenance", "conflict", "retired"] as const) assert.ok(!kinds.includes(kind));
          assert.notEqual(state, "unknown");
          if (repair.step !== "rebirth" && repair.step !== "prove") return;
          if (repair.step === "rebirth") assert.ok(trialBoots >= provedBootsBeforeRebirth, "it has proved nothing");
          assert.equal(state, "healthy");
          assert.ok(nowMs - lastSeenAtMs >= defaultDeadlineSeconds.up * 1000, "it was heard");
          assert.ok(boots >= 3 || !ran, "it may be switched off");
          assert.ok(rebirthsAtMs.filter((atMs) => nowMs - atMs < policy.withinSeconds * 1000).length < policy.rebirths);
          assert.ok(!kinds.includes("debug"));
        },
      ),
      { numRuns: runs(3000) },
    );
  });
});
