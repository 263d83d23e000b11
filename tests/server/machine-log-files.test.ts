import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { LogLine } from "../../src/core/machine/log-line.ts";
import type { MachineId } from "../../src/core/machine/record.ts";
import { logFiles } from "../../src/mdb/logs/log-files.ts";
import { openLogThread } from "../../src/mdb/logs/log-thread.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";

const id = (n: number) => `m-${String(n).padStart(12, "0")}` as MachineId;
const line = (text: string, atMs = 1): LogLine => ({ atMs, boot: "0123abcd", text });

describe("the log lines of machines on disk", () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-logs-"));
  after(() => rmSync(parent, { recursive: true }));
  let directories = 0;
  const newDirectory = () => join(parent, String(++directories));

  /** Written at once, not after a second. */
  function open(directory: string, limits = { perMachine: 4096, total: 1 << 20 }) {
    const said: string[] = [];
    const thread = openLogThread({ directory, limits });
    const files = logFiles({
      ask: thread.ask,
      log: (level, message) => void said.push(`${level} ${message}`),
      later: (act) => void setImmediate(act),
      close: async () => await thread[Symbol.asyncDispose](),
    });
    const texts = async (n: number) => (await files.read(id(n))).map(({ text }) => text);
    return { files, said, texts, [Symbol.asyncDispose]: () => files[Symbol.asyncDispose]() };
  }
  const bytesIn = (directory: string) =>
    readdirSync(directory).reduce((sum, file) => sum + statSync(join(directory, file)).size, 0);

  test("what was added is read at once, and after a restart", async () => {
    const directory = newDirectory();
    {
      await using first = open(directory);
      first.files.add(id(1), [line("one"), line("two", 2)]);
      assert.deepEqual(await first.files.read(id(1)), [line("one"), line("two", 2)]);
      assert.deepEqual(await first.texts(2), []);
      first.files.add(id(1), [line("three")]);
    }
    await using second = open(directory);
    assert.deepEqual(await second.texts(1), ["one", "two", "three"]);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, `${id(1)}.log`)).mode & 0o777, 0o600);
  });

  test("a machine keeps its latest lines, at least half of what it may have, and never more than that", async () => {
    const directory = newDirectory();
    await using logs = open(directory);
    for (let n = 0; n < 400; n += 1) {
      logs.files.add(id(1), [line(`line ${n}`)]);
      if (n % 7 === 0) await logs.texts(1);
      assert.ok(!readable(directory) || bytesIn(directory) <= 4096);
    }
    const kept = await logs.texts(1);
    assert.equal(kept.at(-1), "line 399");
    assert.deepEqual(
      kept,
      Array.from({ length: kept.length }, (_, at) => `line ${400 - kept.length + at}`),
      "no gap",
    );
    assert.ok(bytesIn(directory) > 2048 - 100);
  });

  test("when all are too many, the machine that was silent for longest loses its lines, also after a restart", async () => {
    const directory = newDirectory();
    const limits = { perMachine: 4096, total: 5000 };
    const much = Array.from({ length: 30 }, (_, n) => line(`${n} ${"x".repeat(30)}`));
    {
      await using logs = open(directory, limits);
      for (const n of [1, 2]) {
        logs.files.add(id(n), much);
        await logs.texts(n);
      }
      logs.files.add(id(1), [line("again")]);
      await logs.texts(1);
    }
    // The file system's clock is too coarse to tell writes of a few milliseconds apart.
    utimesSync(join(directory, `${id(2)}.log`), 1000, 1000);
    await using logs = open(directory, limits);
    logs.files.add(id(3), much);
    logs.files.add(id(4), much);
    assert.equal((await logs.texts(4)).length, 30);
    assert.ok(bytesIn(directory) <= 5000, `${bytesIn(directory)}`);
    assert.deepEqual(await logs.texts(2), []);
  });

  test("a line that a power cut left incomplete loses its end, and no other line is touched", async () => {
    const directory = newDirectory();
    {
      await using logs = open(directory);
      logs.files.add(id(1), [line("whole")]);
    }
    appendFileSync(join(directory, `${id(1)}.log`), "17 0123abcd cut in the midd");
    await using logs = open(directory);
    logs.files.add(id(1), [line("after")]);
    assert.deepEqual(await logs.texts(1), ["whole", "cut in the midd", "after"]);
  });

  test("a disk that refuses is said once and stops nothing; then lines are kept again", async () => {
    const directory = newDirectory();
    await using logs = open(directory);
    logs.files.add(id(1), [line("one")]);
    await logs.texts(1);
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "not a directory");
    for (const text of ["two", "three"]) {
      logs.files.add(id(1), [line(text)]);
      await assert.rejects(logs.files.read(id(1)));
    }
    assert.deepEqual(logs.said, ["error keeping the log lines of machines failed"]);
  });

  test("ids and lines of hostile machines reach no other file and no other line", async () => {
    const directory = newDirectory();
    await using logs = open(directory);
    const evil = "p-../../etc/passwd\0 swp1" as MachineId;
    logs.files.add(evil, [line("1 0123abcd forged\n5 - forged \u001b[31m")]);
    assert.deepEqual(
      (await logs.files.read(evil)).map(({ text }) => text),
      ["1 0123abcd forged\ufffd5 - forged \ufffd[31m"],
    );
    assert.deepEqual(
      readdirSync(directory).map((name) => /^x-[0-9a-f]{64}\.log$/.test(name)),
      [true],
    );
  });

  test("one machine that says more than the rest of the fleet loses what is beyond its share", async () => {
    const directory = newDirectory();
    await using logs = open(directory, { perMachine: 1 << 20, total: 1 << 24 });
    const flood = Array.from({ length: 1000 }, (_, n) => line(`${n} ${"x".repeat(400)}`));
    logs.files.add(id(1), flood);
    logs.files.add(id(1), flood);
    logs.files.add(id(2), [line("quiet")]);
    assert.deepEqual(await logs.texts(2), ["quiet"]);
    const kept = await logs.texts(1);
    assert.ok(kept.length > 100 && kept.length < 200, `${kept.length}`);
    assert.ok(readFileSync(join(directory, `${id(1)}.log`)).length <= 64 << 10);
  });

  test("the store answers from disk what it no longer has in memory, and from memory while the disk refuses", async () => {
    const directory = newDirectory();
    const clock = stillClock();
    const machine = machineIdFromMac(testMac(1));
    const start = async (files: ReturnType<typeof open>) => {
      const store = await openStore({ path: ":memory:", clock, log: () => {}, logFiles: files.files });
      await store.apply(asks(1));
      return store;
    };
    {
      await using logs = open(directory);
      await using store = await start(logs);
      store.addLog(machine, ["in the first life"], "aaaaaaaa-0000");
      store.addLog(machine, ["more"], "aaaaaaaa-0000");
      const lines = await store.readLog(machine);
      assert.deepEqual(
        lines.map(({ text, boot }) => [text, boot]),
        [
          ["in the first life", "aaaaaaaa"],
          ["more", "aaaaaaaa"],
        ],
      );
      assert.ok((lines[0]?.atMs ?? 0) < (lines[1]?.atMs ?? 0), "each report has a time of its own");
    }
    await using logs = open(directory);
    await using store = await start(logs);
    clock.pass(1000);
    assert.deepEqual(store.log(machine), []);
    store.addLog(machine, ["in the second"], "bbbbbbbb-0000");
    const texts = async () => (await store.readLog(machine)).map(({ text }) => text);
    assert.deepEqual(await texts(), ["in the first life", "more", "in the second"]);
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "");
    store.addLog(machine, ["without a disk"]);
    assert.deepEqual(await texts(), ["in the second", "without a disk"]);
  });
});

function readable(directory: string): boolean {
  return statSync(directory, { throwIfNoEntry: false }) !== undefined;
}
