import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "../machine/record.ts";
import { RebootPace } from "./reboot-pace.ts";
import { powerOn } from "./testing/power-on.ts";

const nowMs = 1_800_000_000_000;

test("no more machines than allowed are away at once, of the fleet and of a rack; who comes back makes room", () => {
  const limits = { by: "olga", atMs: nowMs, atOnce: 4, perRack: 2 };
  const fleet = powerOn({ racks: 5, units: 5, apartMs: 0, nowMs, beganMs: nowMs - 86_400_000 }).map(
    (machine): Machine => ({ ...machine, reboot: limits }) as Machine,
  );
  const pace = new RebootPace();
  const away = new Set<Machine>();
  const ordered = (machine: Machine): Machine =>
    ({ ...machine, reboot: { ...limits, sent: { atMs: nowMs, boot: "aaaaaaaa" } } }) as Machine;
  const round = () => {
    for (const machine of fleet) {
      if (!pace.mayReboot(machine)) continue;
      pace.note(ordered(machine));
      away.add(machine);
    }
  };
  round();
  assert.deepEqual(
    [...away].map(({ hostname }) => hostname),
    ["r01u01", "r01u02", "r02u01", "r02u02"],
  );
  round();
  assert.equal(away.size, 4, "those that are away keep their place");
  const [first] = away;
  const { reboot: _done, ...back } = (first ?? assert.fail()) as Machine & { reboot?: unknown };
  pace.note(back as Machine);
  round();
  assert.equal(away.size, 4, "the same one is told again: it still asks");
  pace.forget(fleet[1]?.id ?? assert.fail());
  assert.equal(pace.mayReboot(fleet[24] ?? assert.fail()), true);
  assert.equal(pace.mayReboot(back as Machine), false, "nobody asked for it");
});
