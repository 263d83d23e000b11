/**
 * Root on installed machines, who has their credentials: `hostile-agent.ts ATTACK[=FILE] SERVER CA OWN-ADDRESS CREDENTIAL…`. Each attack is bounded and
 * ends by itself, or once there is the file; it prints what the server answered: how many answers of each status, and of each kind of directive.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { setTimeout as wait } from "node:timers/promises";
import { paths } from "../../src/contract/machine/paths.ts";

const [named = "", host = "", ca = "", localAddress = "", ...credentials] = process.argv.slice(2);
const [attack = "", target = ""] = named.split("=");
const authority = readFileSync(ca);
const answers = new Map<string, number>();
const note = (answer: string) => void answers.set(answer, (answers.get(answer) ?? 0) + 1);

/** More than a small poll has (app.ts). */
const largeBytes = 5 << 20;

const pollOf = (credential: string, more: object = {}) => ({
  ...{ protocol: 2, machineId: credential.split(".")[0], running: "image", kernel: "6.1.0" },
  ...{ rebootPending: false, secondsSinceCheck: 1_000_000, freeBytes: 1e9, ...more },
});

const turnOf = (credential: string) =>
  JSON.stringify({ protocol: 5, machineId: credential.split(".")[0], totalBytes: 2 ** 50, doneBytes: 0 });

/** Opens a request with a credential; its answer is counted. The result tells when it has one, or has failed. */
function open(credential: string, path: string, headers: { [name: string]: string }, agent: Agent | false) {
  const sent = request({
    ...{ host, port: 443, path, method: "POST", ca: authority, servername: "birther", localAddress, agent },
    headers: { "content-type": "application/json", authorization: `Bearer ${credential}`, ...headers },
  });
  const ended = new Promise<void>((resolve) => {
    sent.on("error", () => {
      note("closed");
      resolve();
    });
    sent.on("response", async (response) => {
      const text = (
        await response
          .setEncoding("utf8")
          .toArray()
          .catch(() => [])
      ).join("");
      note(String(response.statusCode));
      const kind = /^\{"kind":"(\w+)"/.exec(text)?.[1];
      if (kind !== undefined) note(kind);
      resolve();
    });
  });
  return { sent, ended };
}

async function post(credential: string, body: string, agent: Agent | false, path: string = paths.subPoll) {
  const { sent, ended } = open(credential, path, { "content-length": String(Buffer.byteLength(body)) }, agent);
  sent.end(body);
  await ended;
}

/** Thousands of polls and of requests for a turn to fetch, on sixteen connections. */
async function floods(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const lines = Array.from({ length: 200 }, (_, n) => `line ${n} ${"x".repeat(900)}`);
  const endMs = performance.now() + 240_000;
  await Promise.all(
    Array.from({ length: 16 }, async (_, lane) => {
      // Where the computer is busy, that may take so long that it is within the limits: then one machine goes on until it is refused.
      for (let n = 0; n < 60 || (!answers.has("429") && performance.now() < endMs); n += 1) {
        const credential = credentials[n < 60 ? (lane + n) % credentials.length : 0] ?? assert.fail();
        await post(credential, JSON.stringify(pollOf(credential, { log: lines })), agent);
        await post(credential, turnOf(credential), agent, paths.fetchTurn);
      }
    }),
  );
  agent.destroy();
}

/** A tree that no machine has: chains of directories in each other, or a flat directory. */
function hostileTree(chains: number, depth: number) {
  const directory = { kind: "directory", mode: 0o755, uid: 0, gid: 0 };
  const names = Array.from({ length: chains }, (_, chain) =>
    Array.from({ length: depth }, (_, level) => `/${String(chain).padStart(6, "0")}${"/d".repeat(level)}`),
  ).flat();
  return { inodes: names.map(() => directory), entries: names.map((path, inode) => [path, inode]) };
}

/** Each machine is asked for its tree, and sends the largest that it can, again and again. */
async function hugeScans(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  for (const [chains, depth] of [
    [60, 250],
    [200_000, 1],
    [1, 2000],
  ] as const) {
    const tree = hostileTree(chains, depth);
    await Promise.all(
      credentials.map(async (credential) => {
        for (let n = 0; n < 3; n += 1) {
          await post(credential, JSON.stringify(pollOf(credential)), agent);
          await post(credential, JSON.stringify(pollOf(credential, { tree, objects: [] })), agent);
        }
      }),
    );
  }
  agent.destroy();
}

/** Bodies that are announced as large and come byte by byte, and requests that never end. */
async function slowBodies(seconds: number): Promise<void> {
  for (const credential of credentials) await post(credential, JSON.stringify(pollOf(credential)), false);
  const slow = credentials.flatMap((credential) =>
    Array.from({ length: 30 }, (_, n) => {
      const announced = n % 2 === 0 ? 200_000_000 : 4_000_000;
      return open(credential, paths.subPoll, { "content-length": String(announced) }, false);
    }),
  );
  for (let second = 0; second < seconds; second += 1) {
    for (const { sent } of slow) if (!sent.destroyed) sent.write(" ");
    await wait(1000);
  }
  for (const { sent } of slow) sent.destroy();
  await Promise.all(slow.map(({ ended }) => ended));
}

/**
 * Bodies that are announced as large: all slots for them are held, and asked for again at once when one is free; until there is a file
 * at the path, and not for longer than some time.
 */
async function hogs(enough: string, seconds: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const endMs = performance.now() + seconds * 1000;
  await Promise.all(
    credentials.map(async (credential) => {
      while (performance.now() < endMs && !existsSync(enough)) {
        await post(credential, JSON.stringify(pollOf(credential)), agent);
        for (let n = 0; n < 4; n += 1) {
          const { sent, ended } = open(credential, paths.subPoll, { "content-length": String(largeBytes) }, false);
          sent.write(" ");
          await Promise.race([ended, wait(4000)]);
          sent.destroy();
          await ended;
        }
      }
    }),
  );
  agent.destroy();
}

/** A machine that attacks nobody: it is asked for its large tree, and sends it when the server says. */
async function reports(): Promise<void> {
  const [credential = assert.fail()] = credentials;
  await post(credential, JSON.stringify(pollOf(credential)), false);
  const small = JSON.stringify(pollOf(credential, { tree: { inodes: [], entries: [] }, objects: [] }));
  for (let tries = 0; tries < 12; tries += 1) {
    const { sent, ended } = open(credential, paths.subPoll, { "content-length": String(largeBytes) }, false);
    // Without an answer: the server had said it and closed, while the body was still on its way.
    let retryAfterSeconds: number | undefined = 5;
    sent.on("response", ({ statusCode, headers }) => {
      retryAfterSeconds = statusCode === 503 ? Number(headers["retry-after"]) : undefined;
    });
    sent.end(small.padEnd(largeBytes));
    await ended;
    if (retryAfterSeconds === undefined) return;
    await wait(retryAfterSeconds * 1000);
  }
}

/** Connections that are kept open with a good request each. */
async function connections(count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: count, maxFreeSockets: count });
  await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const credential = credentials[n % credentials.length] ?? assert.fail();
      await post(credential, JSON.stringify(pollOf(credential)), agent);
    }),
  );
  await wait(5000);
  agent.destroy();
}

const attacks: { readonly [name: string]: () => Promise<void> } = {
  floods,
  hugeScans,
  slowBodies: () => slowBodies(15),
  hogs: () => hogs(target, 240),
  reports,
  connections: () => connections(1500),
  /** One good poll of an agent that attacks nobody. */
  one: () => post(credentials[0] ?? assert.fail(), JSON.stringify(pollOf(credentials[0] ?? "")), false),
};
await (attacks[attack] ?? assert.fail(`no attack ${attack}`))();
process.stdout.write(`${JSON.stringify(Object.fromEntries(answers))}\n`);
