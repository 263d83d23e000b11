import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const script = join(import.meta.dirname, "../../bench/arrival-run.ts");

/** What the benchmark prints, as far as it does not depend on how fast this computer is. */
type Result = {
  readonly up: number;
  readonly lost: number;
  readonly misbehaving?: number;
  readonly moved?: number;
  readonly faults: object;
  readonly requestsMs: { readonly [kind: string]: { readonly count: number } };
  readonly servers: readonly { readonly machines: number; readonly logged: { readonly [line: string]: number } }[];
};

/** Machines that arrive over a virtual wire at whole servers, as bench/arrival lets thousands arrive; time does not count. */
async function arrive(...options: readonly string[]): Promise<Result> {
  const argv = ["--disable-warning=ExperimentalWarning", script, "--rate", "10", "--limit", "200", ...options];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Result;
}

test("forty machines at one server on SQLite: each loads, is born and is up, once", async () => {
  const result = await arrive("--machines", "40");
  assert.deepEqual([result.up, result.lost, result.faults], [40, 0, {}]);
  // A machine on a busy computer may begin again.
  const atLeast = { "loader by TFTP": 40, "part of a boot file": 80, "/machine/v1/healthy": 40 };
  for (const [kind, count] of Object.entries(atLeast)) assert.ok((result.requestsMs[kind]?.count ?? 0) >= count, kind);
  assert.deepEqual(
    result.servers.map(({ machines, logged }) => [machines, logged]),
    [[40, {}]],
  );
});

test("two servers on one PostgreSQL, and every tenth machine misbehaves: all others are up, and both servers know all", async () => {
  const result = await arrive("--machines", "40", "--scenario", "misbehaving", "--misbehaving-every", "10");
  assert.deepEqual([result.up, result.lost, result.misbehaving, result.faults], [36, 0, 4, {}]);
  assert.deepEqual(
    result.servers.map(({ machines }) => machines),
    [40, 40],
  );
});

test("a rollout under way: working machines are moved to another image while others arrive", async () => {
  const result = await arrive("--machines", "20", "--scenario", "rollout");
  assert.deepEqual([result.up, result.lost, result.moved, result.faults], [20, 0, 20, {}]);
  // A server that has not heard yet that a machine is healthy installs it; the other one must not take that for a return.
  const warnings = result.servers.flatMap(({ logged }) => Object.keys(logged));
  assert.deepEqual(
    warnings.filter((line) => line.includes("instead of booting its disk")),
    [],
  );
});

test("one of two servers is killed in the middle and never returns: the other one ends what it began", async () => {
  const result = await arrive("--machines", "40", "--scenario", "lost");
  assert.deepEqual([result.up, result.lost], [40, 0]);
  assert.deepEqual(
    result.servers.map(({ machines }) => machines),
    [40],
  );
});
