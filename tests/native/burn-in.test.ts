import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { native, runProgram } from "./native-program.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "birther-burn-in-"));
});
after(() => rm(directory, { recursive: true }));

test("a memory that does not fit into its time is tested in part, and the time is kept", async () => {
  const { testedMebibytes, wrongWords, cpuSeconds } = await runProgram(directory, "burn-in", ["limited", "512"]);
  assert.equal(wrongWords, 0);
  assert.ok(testedMebibytes >= 8 && testedMebibytes <= 512, `${testedMebibytes} MiB`);
  // Of one second by the clock. What other programs compute meanwhile makes that longer, but not the time of the CPUs.
  assert.ok(cpuSeconds < 5 * availableParallelism(), `${cpuSeconds} s of CPU`);
});

test("long tests say how far they are, and how slow they were at their slowest", async () => {
  const testSeconds = 11;
  const { notified, hashesPerSecond, slowestPerSecond, seconds } = await runProgram(directory, "burn-in", [
    "notified",
    "0",
  ]);
  // Five seconds or more lie before each; on a busy computer more, and then one comes instead of two.
  assert.ok(notified.length === 1 || notified.length === 2, notified.join());
  for (const [index, share] of notified.entries()) {
    const before = notified[index - 1] ?? 0;
    assert.ok(share >= Math.min(1, before + 5 / testSeconds) && share <= 1, notified.join());
  }
  // As much as at its slowest was done in each of these times, and that is no more than all.
  const atLeast = slowestPerSecond * notified.at(-1) * testSeconds;
  assert.ok(atLeast > 0 && atLeast <= hashesPerSecond * seconds, `${atLeast} of ${hashesPerSecond * seconds}`);
});

test("what the caller throws ends no thread in the middle: it is thrown when the test has ended", async () => {
  const { reason, calls, later } = await runProgram(directory, "burn-in", ["thrown", "0"]);
  assert.deepEqual([reason, calls, later], ["the caller has enough", 1, true]);
});

const pageBytes = 4096n;

/** Where a page of another process is in the machine. */
function physicalAddress(pid: number, address: bigint): bigint {
  const entry = Buffer.alloc(8);
  const fd = openSync(`/proc/${pid}/pagemap`, "r");
  readSync(fd, entry, 0, 8, (address / pageBytes) * 8n);
  closeSync(fd);
  return (entry.readBigUInt64LE() & ((1n << 55n) - 1n)) * pageBytes + (address % pageBytes);
}

test("a word that changes by itself is found, with its address in the machine", async () => {
  const mebibytes = 96;
  const script = join(directory, "wrong.js");
  await writeFile(script, await bundleForQuickJs({ entry: join(import.meta.dirname, "programs/burn-in.ts") }));
  const child = spawn(await native, [script, "wrong", String(mebibytes)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const said = text(child.stdout);
  const pid = child.pid ?? assert.fail("it did not start");
  const testedFrom = () => {
    for (const mapping of readFileSync(`/proc/${pid}/smaps`, "utf8").split(/^(?=\w+-\w+ )/m)) {
      const [from = 0n, to = 0n] = (/^(\w+)-(\w+) rw/.exec(mapping)?.slice(1) ?? []).map((part) => BigInt(`0x${part}`));
      // Without its mark ("dd": not in a core dump) the kernel may have joined it with its neighbours.
      if (to - from === BigInt(mebibytes) << 20n && /^VmFlags:.* dd\b/m.test(mapping)) return from;
    }
    return undefined;
  };
  let from: bigint | undefined;
  while (from === undefined && child.exitCode === null) {
    from = testedFrom();
    await setTimeout(10);
  }
  const offset = 80 << 20;
  const address = (from ?? assert.fail("its memory was not found")) + BigInt(offset);
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  /** Where it was: the kernel may move a page at any time. */
  const physical = new Set<bigint>();
  try {
    while (child.exitCode === null) {
      writeSync(memory, Buffer.from("0123456789abcdef", "hex"), 0, 8, Number(address));
      physical.add(physicalAddress(pid, address));
      await setTimeout(1);
    }
  } catch {
    // It has ended in between.
  } finally {
    closeSync(memory);
  }
  assert.deepEqual(await ended, [0, null]);
  const { wrongWords, firstWrong } = JSON.parse(await said);
  assert.ok(wrongWords >= 1, `${wrongWords} wrong words`);
  const [word] = firstWrong;
  assert.equal(firstWrong.length, 1, "the words of the other CPUs are right");
  assert.deepEqual([word.found, word.again], ["0xefcdab8967452301", "0xefcdab8967452301"]);
  assert.ok(physical.has(BigInt(word.physical)), `${word.physical} of ${[...physical].join()}`);
  assert.equal(word.offset, offset);
});
