import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErasureAnswer } from "../../contract/operator/answers/erasure.ts";
import { viewMachine } from "../../contract/operator/views.ts";
import { hardware } from "../../core/machine/testing/test-fleet.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import type { MeasuredBoot } from "../../core/tpm/measured-boot.ts";
import { machineText } from "./show.ts";

/** The lines that begin with `trust` and those below it without a label. */
function trustShown(machine: Parameters<typeof viewMachine>[0]): readonly string[] {
  const lines = machineText(viewMachine(machine), 1_000_000);
  const start = lines.findIndex((line) => line.startsWith("  trust "));
  if (start < 0) return [];
  const end = lines.findIndex((line, at) => at > start && /^ {2}\S/.test(line));
  return lines.slice(start, end).map((line) => line.slice(13));
}

const tpm = { ekSha256: "a".repeat(64), firstSeenMs: 1 };

test("show says what vouches for a machine: its boot, its identity and its disk", () => {
  const healthy = testMachine("healthy", { hardware: hardware(), tpm });
  const [boot, identity, disk, ...none] = trustShown(healthy);
  assert.match(boot ?? "", /^wire-trusted: /);
  assert.match(identity ?? "", /^TPM-bound: /);
  assert.match(disk ?? "", /^(disk key not sealed|root disk not encrypted): /);
  assert.deepEqual(none, []);
  assert.deepEqual(viewMachine(healthy).trust.identity, "tpm-bound");
});

test("show says what the TPM measured of the latest start, and the selector names it", () => {
  const shown = (measuredBoot: MeasuredBoot) => {
    const machine = testMachine("healthy", { measuredBoot });
    return [trustShown(machine).at(-1)?.replace(/:.*/, ""), viewMachine(machine).trust.start];
  };
  assert.deepEqual(shown({ kind: "asWritten" }), ["started as written", "start-as-written"]);
  assert.deepEqual(shown({ kind: "differs", pcrs: [9] }), ["started otherwise", "start-differs"]);
  assert.deepEqual(shown({ kind: "notMeasured" }), ["start not measured", "start-not-measured"]);
});

test("before its first report nothing vouches for a machine, and show says nothing of it", () => {
  assert.deepEqual(trustShown(testMachine("unknown")), []);
});

test("a disk that no birth touches is named, with what a clean of all disks did to it last", () => {
  const disks = ["A", "B", "C"].map((serial, index) => ({
    ...{ serial, wwn: "", model: "", sizeBytes: 2 ** 30, removable: false, rotational: false, bus: "nvme" as const },
    path: `/dev/nvme${index}n1`,
  }));
  const [root, second] = disks;
  if (root === undefined || second === undefined) assert.fail();
  const machine = testMachine("clean", {
    hardware: { ...hardware(), disks },
    storage: { rootDisk: { ...root, why: "only" }, encryption: { kind: "luks2", keyIn: "uefi-variable" } },
  });
  const erasureOf = (atMs: number, kind: "sanitized" | "keysDestroyed"): ErasureAnswer => ({
    ...{ id: `e${atMs}`, atMs, machine: machine.id, statement: "" },
    facts: {
      ...{ birtherErasure: 1, id: `e${atMs}`, machine: { id: machine.id }, action: "clean", generation: 2 },
      ...{ disk: second, outcome: { kind }, steps: [], reportedAt: "1970-01-01T00:00:01Z" },
    },
  });
  const lines = machineText(viewMachine(machine), 1_000_000, [
    erasureOf(2, "sanitized"),
    erasureOf(1, "keysDestroyed"),
  ]);
  assert.match(
    lines.find((line) => line.startsWith("  storage")) ?? "",
    /; not touched by births: \/dev\/nvme1n1 \(serial B, 1024 MiB\), erased by the device 1970-01-01 \S+; \/dev\/nvme2n1 \(serial C, 1024 MiB\)$/,
  );
});
