import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { paths } from "../../src/contract/machine/paths.ts";
import { birthProtocol } from "../../src/core/birth/order-answer.ts";
import { hardware } from "../../src/core/machine/testing/test-fleet.ts";
import { testMac } from "../../src/mdb/testing/fleet.ts";
import { repeatAttack } from "./attack.ts";

const [heapMiB, machines] = [256, 500];

type Started = { readonly port: number; readonly known: number; readonly tokens: readonly string[] };

/** A server (small-server.ts) with a small heap, and how it ends. */
async function startServer(directory: string, invented: number) {
  const flags = ["--disable-warning=ExperimentalWarning", `--max-old-space-size=${heapMiB}`];
  const program = join(import.meta.dirname, "small-server.ts");
  const child = spawn(process.execPath, [...flags, program, directory, String(invented)], { stdio: "pipe" });
  let [output, errors] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = once(child, "close");
  const started = await new Promise<Started>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.endsWith("\n")) resolve(JSON.parse(output));
    });
    child.once("close", () => reject(new Error(`the server ended: ${errors.slice(-2000)}`)));
  });
  return {
    ...started,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    errors: () => errors.slice(-2000),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** Two-byte characters: a server keeps each in two bytes of memory. */
const wide = (count: number) => "\u0100".repeat(count);

/** The largest report that is accepted: a scan, a burn-in and a failure; beyond that, lines of the log up to the limit of a body. */
function largestReport(n: number, logLines: number): string {
  const disk = { path: "/dev/sda", serial: "s", wwn: "", sizeBytes: 1, bus: "sata", model: wide(500) };
  const disks = Array.from({ length: 95 }, () => ({ ...disk, rotational: false, removable: false }));
  const result = { test: "disk", subject: "/dev/sda", ok: true, durationMs: 1, figures: {}, fault: wide(4000) };
  const items = [
    { kind: "log", lines: Array.from({ length: logLines }, () => "x".repeat(4000)) },
    { kind: "hardware", hardware: { ...hardware(testMac(n)), disks } },
    { kind: "burnIn", report: { verdict: "passed", results: Array.from({ length: 15 }, () => result) } },
    { kind: "phase", phase: "burnIn", detail: wide(4000) },
    { kind: "failed", step: "burnIn", reason: wide(4000) },
  ];
  return JSON.stringify({ items });
}

type Answer = { readonly status: number; readonly body: string };
type Post = { readonly path: string; readonly body: string; readonly bearer?: string };

/** Posts over TLS to a server, as machine n with an address of its own; status 0 if the connection breaks. */
function posting(port: number, directory: string, agent: Agent) {
  const ca = readFileSync(join(directory, "pki/ca.pem"), "utf8");
  return (n: number, { path, body, bearer }: Post): Promise<Answer> => {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...(bearer && { authorization: `Bearer ${bearer}` }),
    };
    const to = { host: "127.0.0.1", port, servername: "birther", localAddress: `127.0.1.${1 + (n % 250)}` };
    return new Promise((resolve) => {
      const sent = request({ ...to, ca, agent, path, method: "POST", headers }, async (response) => {
        const pieces = await response
          .setEncoding("utf8")
          .toArray()
          .catch(() => []);
        resolve({ status: response.statusCode ?? 0, body: pieces.join("") });
      });
      sent.on("error", (error) => resolve({ status: 0, body: String(error) }));
      sent.end(body);
    });
  };
}

/** Acts for each of the numbers from 1 on, some at a time. */
async function forEachOf(count: number, atOnce: number, act: (n: number) => Promise<void>): Promise<void> {
  let last = 0;
  const next = async () => {
    for (;;) {
      last += 1;
      const n = last;
      if (n > count) return;
      await act(n);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}

const title = `the largest reports of ${machines} invented machines end no server with ${heapMiB} MiB of heap`;
test(title, { timeout: 600_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "birther-heap-"));
  const agent = new Agent({ keepAlive: true });
  try {
    {
      await using server = await startServer(directory, machines);
      const post = posting(server.port, directory, agent);
      const sessions: string[] = [];
      await forEachOf(machines, 16, async (n) => {
        const identity = { token: server.tokens[n - 1], mac: testMac(n), bootId: "b", firmware: "bios" };
        const body = JSON.stringify({ protocol: birthProtocol, ...identity });
        const answer = await post(n, { path: paths.order, body });
        assert.equal(answer.status, 200, answer.body);
        sessions[n - 1] = JSON.parse(answer.body).session;
      });
      // First bodies of 1 MiB, all at once; then what fills the records, a few at a time.
      const waves = [
        { logLines: 190, atOnce: machines },
        { logLines: 0, atOnce: 6 },
      ];
      await repeatAttack(t, waves.length, async (round) => {
        const { logLines, atOnce } = waves[round] ?? assert.fail();
        const statuses = new Map<number, number>();
        await forEachOf(machines, atOnce, async (n) => {
          const bearer = sessions[n - 1] ?? assert.fail();
          const { status } = await post(n, { path: paths.report, body: largestReport(n, logLines), bearer });
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        });
        t.diagnostic(`answers: ${[...statuses].map(([status, count]) => `${count} of ${status}`).join(", ")}`);
        return server.isRunning() ? undefined : server.errors();
      });
    }
    await using again = await startServer(directory, 0);
    assert.equal(again.known, machines, "it starts again on its own database");
  } finally {
    agent.destroy();
    rmSync(directory, { recursive: true });
  }
});
