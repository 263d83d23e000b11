import assert from "node:assert/strict";
import { test } from "node:test";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { openAskedFirmware } from "./asked-firmware.ts";

const machine = testMachine("birth");
const address = "10.77.0.60";

function opened() {
  const lines: string[] = [];
  const find = (name: string) => (name === address ? machine : undefined);
  const asked = openAskedFirmware({ store: { find }, log: (level, message) => void lines.push(`${level} ${message}`) });
  return { ...asked, lines };
}

test("a firmware that goes on to the kernel is asked at each start", () => {
  const { mayAsk, requested, lines } = opened();
  for (let start = 0; start < 10; start += 1) {
    assert.equal(mayAsk(machine.id), true);
    requested(address, "/disk-list.efi");
    requested(address, "/vmlinuz");
  }
  assert.deepEqual(lines, []);
});

test("one that hangs twice is not asked again, also after it got its kernel; that is logged once", () => {
  const { mayAsk, requested, lines } = opened();
  const starts = Array.from({ length: 3 }, () => mayAsk(machine.id));
  requested(address, "/vmlinuz");
  assert.deepEqual([...starts, mayAsk(machine.id)], [true, true, false, false]);
  assert.deepEqual(lines, ["warn a firmware that is asked which disks it sees does not go on: it is not asked again"]);
});

test("once may be chance, and a stranger's requests count for nobody", () => {
  const { mayAsk, requested } = opened();
  assert.equal(mayAsk(machine.id), true);
  requested("10.77.0.99", "/vmlinuz");
  assert.equal(mayAsk(machine.id), true);
  requested(address, "/vmlinuz");
  assert.deepEqual([mayAsk(machine.id), mayAsk(machine.id)], [true, true]);
});
