import assert from "node:assert/strict";
import { test } from "node:test";
import {
  confirmKernel,
  isKernelDue,
  isOnTrial,
  type KernelFacts,
  type KernelRecord,
  planKernels,
} from "./kernel-trial.ts";

const [first, second, third] = ["1", "2", "3"].map((digit) => digit.repeat(32)) as [string, string, string];

/** The second kernel is in /boot and on the partition, and the machine runs the first one. */
function facts(more: Partial<KernelFacts> = {}): KernelFacts {
  return {
    wanted: { id: second, version: "6.2" },
    running: first,
    stored: new Map([
      [first, "6.1"],
      [second, "6.2"],
    ]),
    mark: "",
    bootId: "boot-1",
    record: { required: second, confirmed: first },
    ...more,
  };
}

const trial = (attempts: number, bootId = "boot-1") => ({ kernel: second, attempts, bootId });

test("the first kernel of a machine is the default at once", () => {
  const plan = planKernels(facts({ running: undefined, stored: new Map([[second, "6.2"]]), record: {} }));
  assert.deepEqual([plan.entries, plan.candidate, plan.mark], [[second], undefined, ""]);
});

test("a new kernel is tried once; the confirmed one stays the default", () => {
  const plan = planKernels(facts());
  assert.deepEqual([plan.entries, plan.candidate, plan.mark], [[first, second], second, second]);
  assert.deepEqual(plan.record.trial, trial(1));
  assert.ok(isKernelDue(plan.record, first));
  assert.deepEqual(planKernels(facts({ record: plan.record, mark: second })), plan, "again in the same boot");
});

test("on trial nothing is marked; once confirmed, only the new kernel is left", () => {
  const record: KernelRecord = { required: second, derived: second, confirmed: first, trial: trial(1) };
  const onTrial = planKernels(facts({ running: second, bootId: "boot-2", record }));
  assert.deepEqual([onTrial.entries, onTrial.mark, onTrial.record], [[first, second], "", record]);
  assert.ok(isOnTrial(onTrial.record, second) && !isKernelDue(onTrial.record, second));
  const confirmed = confirmKernel(onTrial.record, second);
  assert.deepEqual(confirmed, { required: second, derived: second, confirmed: second });
  assert.equal(confirmKernel(confirmed, second), confirmed);
  assert.deepEqual(planKernels(facts({ running: second, record: confirmed })).entries, [second]);
});

test("back with the former kernel, the new one is tried again, and then rejected until /boot holds another", () => {
  const again = planKernels(facts({ bootId: "boot-2", record: { confirmed: first, trial: trial(1) } }));
  assert.deepEqual([again.mark, again.record.trial], [second, trial(2, "boot-2")]);
  const record = { required: second, confirmed: first, trial: trial(2) };
  const rejected = planKernels(facts({ bootId: "boot-3", record }));
  assert.deepEqual([rejected.entries, rejected.mark], [[first], ""]);
  assert.match(
    rejected.record.rejected?.reason ?? "",
    /kernel 6\.2 \(22222222\) did not come up .* 6\.1 \(11111111\) runs/,
  );
  assert.ok(!isKernelDue(rejected.record, first));
  assert.deepEqual(planKernels(facts({ bootId: "boot-4", record: rejected.record })), rejected);
  const other = planKernels(facts({ wanted: { id: third, version: "6.3" }, record: rejected.record }));
  assert.deepEqual([other.candidate, other.record.rejected], [third, undefined]);
});

test("a mark that GRUB never cleared means that it cannot write: the kernel becomes the default, and may still be rejected", () => {
  const record = { confirmed: first, trial: trial(2) };
  const plan = planKernels(facts({ bootId: "boot-3", mark: second, record }));
  assert.deepEqual([plan.entries, plan.mark, plan.record.unwritable], [[second, first], "", true]);
  const later = planKernels(facts({ bootId: "boot-4", record: { ...plan.record, trial: trial(2, "boot-3") } }));
  assert.deepEqual([later.entries, later.record.rejected?.kernel], [[first], second]);
});

test("a confirmed kernel that is damaged is not the default, and a kernel of others does not restart the machine", () => {
  assert.deepEqual(planKernels(facts({ running: undefined, stored: new Map([[second, "6.2"]]) })).entries, [second]);
  const plan = planKernels(facts({ record: { required: first, confirmed: first } }));
  assert.deepEqual([plan.mark, isKernelDue(plan.record, first)], [second, false]);
});
