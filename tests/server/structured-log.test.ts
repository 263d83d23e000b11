import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** A process with a log on its standard error that runs `action`. */
function logging(action: string, json = false): Child {
  const log = `const { openLog } = await import(${JSON.stringify(new URL("../../src/log/structured-log.ts", import.meta.url).href)});
    const log = openLog({ json: ${json}, least: "info" });
    const turn = () => new Promise((resolve) => setImmediate(resolve));`;
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module"];
  return spawn(process.execPath, [...flags, "-e", `${log}\n${action}`], { stdio: ["ignore", "pipe", "pipe"] });
}

/** Its messages in order, and how it ended. */
async function outcomeOf(child: Child): Promise<{ lines: string[]; status: number | null; said: string }> {
  const [lines, said, [status]] = await Promise.all([text(child.stderr), text(child.stdout), once(child, "close")]);
  return { lines: lines.split("\n").slice(0, -1).map(messageOf), status, said };
}

/** The line without its time. */
function messageOf(line: string): string {
  return line.replace(/^\d\d:\d\d:\d\d /, "");
}

const manyLines = `const note = async (count, more = {}) => {
  for (let n = 0; n < count; n += 1) {
    log("info", "DHCP ack", { n, address: "10.77.0.1", ...more });
    if (n % 100 === 99) await turn();
  }
};`;
const nth = (n: number) => `DHCP ack  n=${n}  address=10.77.0.1`;

describe("the log on standard error", () => {
  test("a line for people, and one of JSON, with errors by their causes", async () => {
    const action = `const cause = new Error("outer", { cause: new Error("inner") });
      log("debug", "not shown");
      log("info", "plain", { a: 1, gone: undefined, list: ["x", 2], deep: { b: true } });
      log("warn", "failed", { cause });`;
    const forPeople = await outcomeOf(logging(action));
    assert.deepEqual(forPeople.lines, ['plain  a=1  list=x,2  deep={"b":true}', "warn: failed  cause=outer: inner"]);
    const lines = (await outcomeOf(logging(action, true))).lines.map((line) => JSON.parse(line) as { at: string });
    for (const { at } of lines) assert.equal(new Date(at).toISOString(), at);
    assert.deepEqual(
      lines.map(({ at: _at, ...rest }) => rest),
      [
        { level: "info", message: "plain", a: 1, list: ["x", 2], deep: { b: true } },
        { level: "warn", message: "failed", cause: "outer: inner" },
      ],
    );
  });

  const ends = [
    ["process.exit", "process.exit(3);", 3],
    ["a throw", `setImmediate(() => { throw new Error("thrown"); }); await turn();`, 1],
    ["a rejection", `await Promise.reject(new Error("thrown"));`, 1],
    ["a signal that is handled", `process.kill(process.pid, "SIGTERM"); await new Promise(() => {});`, 5],
    ["the end of all work", "", 0],
  ] as const;
  for (const [title, end, wanted] of ends) {
    test(`messages logged before ${title} and on exit are written`, async () => {
      const action = `process.on("SIGTERM", () => { log("info", "signal"); process.exit(5); });
        process.on("exit", () => { log("info", "out"); log("info", "really"); });
        setInterval(() => {}, 1e6).unref();
        await turn();
        for (const n of [1, 2, 3]) log("info", "line", { n });
        ${end}`;
      const { lines, status } = await outcomeOf(
        logging(action.replace("}, 1e6).unref()", title.includes("signal") ? "}, 1e6)" : "}, 1e6).unref()")),
      );
      assert.equal(status, wanted, lines.join("\n"));
      const signal = title.includes("signal") ? ["signal"] : [];
      const ours = lines.filter((line) => /^(line|signal|out|really)\b/.test(line));
      assert.deepEqual(ours, ["line  n=1", "line  n=2", "line  n=3", ...signal, "out", "really"]);
    });
  }

  test("a warning is written at once, after all pending lines, even if the turn never ends", async () => {
    const child = logging(`log("info", "first"); log("info", "second"); log("warn", "third"); for (;;);`);
    try {
      let written = "";
      child.stderr.setEncoding("utf8");
      while (written.split("\n").length < 4) written += String((await once(child.stderr, "data"))[0]);
      assert.deepEqual(written.split("\n").map(messageOf), ["first", "second", "warn: third", ""]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("100,000 lines into a slowly read pipe arrive complete and in order", async () => {
    const child = logging(`${manyLines} await note(100_000); process.stdout.write("noted");`);
    // The reader starts only after all lines were logged, so the pipe is full for most of the time.
    await once(child.stdout, "data");
    let written = "";
    for await (const piece of child.stderr) {
      written += String(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const lines = written.split("\n");
    assert.equal(lines.pop(), "");
    assert.equal(lines.length, 100_000);
    for (const [n, line] of lines.entries()) if (messageOf(line) !== nth(n)) assert.equal(messageOf(line), nth(n));
  });

  test("an unread pipe neither blocks the process nor fills its memory; lost lines are reported", async () => {
    const action = `${manyLines} await note(150_000, { more: "x".repeat(400) });
      globalThis.gc(); process.stdout.write(String(process.memoryUsage().rss));`;
    const child = logging(`import { setFlagsFromString } from "node:v8"; import { runInNewContext } from "node:vm";
      setFlagsFromString("--expose-gc"); globalThis.gc = runInNewContext("gc"); ${action}`);
    const [rss] = await once(child.stdout, "data");
    assert.ok(Number(rss) < 300e6, `${rss} bytes`);
    const lines = (await text(child.stderr)).split("\n").slice(0, -1).map(messageOf);
    const missing = lines.map((line) => /^warn: log lines were lost.* lines=(\d+)$/.exec(line)?.[1]);
    const notified = missing.reduce((sum, lost) => sum + Number(lost ?? 0), 0);
    const kept = lines.filter((line) => line.startsWith("DHCP ack"));
    for (const n of [0, 1, 50_000]) assert.ok(kept[n]?.startsWith(nth(n)), kept[n]);
    assert.equal(kept.length + notified, 150_000);
  });

  test("a closed pipe does no harm", async () => {
    const child = logging(`${manyLines} await note(10); process.stdout.write("begun");
      process.stdin.destroy(); await note(200_000); log("warn", "to nobody"); process.stdout.write(" ended");`);
    const said = text(child.stdout);
    await once(child.stderr, "data");
    child.stderr.destroy();
    const [status] = await once(child, "close");
    assert.deepEqual([await said, status], ["begun ended", 0]);
  });
});
