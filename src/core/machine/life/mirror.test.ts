import assert from "node:assert/strict";
import { test } from "node:test";
import { summarise } from "../../fleet/summary.ts";
import type { MachineEvent } from "../event.ts";
import { defaultDeadlineSeconds } from "../health/deadlines.ts";
import { why } from "../health/waiting-for.ts";
import type { Machine } from "../record.ts";
import type { MirrorState } from "../storage.ts";
import { asked, healthy, id, issued, taken, testFleet } from "../testing/test-fleet.ts";

const polls = (missing?: MirrorState["missing"]): MachineEvent => ({
  ...{ kind: "subSeen", id: id(1), fromDisk: true, runningImage: "compute", upToDate: true },
  ...(missing === undefined ? {} : { mirror: { missing } }),
});

test("a degraded mirror: its record says since when, why names the disk, and the fleet counts it, until it is whole", () => {
  const world = testFleet();
  world.all(asked(1), issued(1), taken(1), healthy(1, 1), polls([]));
  const storage = {
    rootDisk: { path: "/dev/sda", serial: "S1", sizeBytes: 2 ** 40, why: "only" },
    mirrorDisk: { path: "/dev/sdb", serial: "S2", wwn: "", sizeBytes: 2 ** 40 },
    encryption: { kind: "none", reason: "test" },
  } as const;
  const machine = () => ({ ...world.get(1), storage }) as Machine;
  const causes = () => summarise([machine()], { nowMs: world.nowMs() }).causes.map(({ cause }) => cause);
  const reason = () => why(machine(), { nowMs: world.nowMs(), deadlineSeconds: defaultDeadlineSeconds });
  assert.equal(reason().missing, undefined);
  assert.deepEqual(causes(), []);
  world.later(60_000);
  world.all(polls(["mirrorDisk"]));
  const sinceMs = world.nowMs();
  world.later(60_000);
  // A poll of an agent as PID 1 does not know.
  world.all(polls(["mirrorDisk"]), polls());
  assert.deepEqual(world.get(1).mirror, { missing: ["mirrorDisk"], sinceMs });
  assert.equal(reason().missing, "a whole mirror: degraded: without /dev/sdb (serial S2, 1048576 MiB)");
  assert.equal(reason().sinceMs, sinceMs);
  assert.match(reason().next, /birther rebirth \S+ makes the mirror anew/);
  assert.deepEqual(
    causes().map(({ condition, reason, firstAtMs }) => [condition, reason, firstAtMs]),
    [["mirror", "its mirrored root works without its second disk", sinceMs]],
  );
  world.all(polls([]));
  assert.deepEqual(world.get(1).mirror?.missing, []);
  assert.deepEqual(causes(), []);
});
