import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseArgs } from "node:util";
import { credentialFor } from "../src/contract/credential.ts";
import { paths } from "../src/contract/machine/paths.ts";
import type { SubPoll } from "../src/contract/sub.ts";
import { agentProtocol } from "../src/core/image/filter.ts";
import type { ImageSummary } from "../src/core/image/manifest.ts";
import type { RegularInode, Tree, TreeEntry } from "../src/core/image/tree.ts";
import { compareTree, comparisonOf } from "../src/core/image/update/compare.ts";
import type { MachineId } from "../src/core/machine/record.ts";
import { testMachine } from "../src/core/machine/testing/test-machine.ts";
import type { Log } from "../src/core/ports.ts";
import { type ImageStore, openImageStore } from "../src/dominator/storage/image-store.ts";
import { subApp } from "../src/dominator/sub/app.ts";
import { openReportSlots } from "../src/dominator/sub/report-slots.ts";
import { type DominatorTasks, inlineTasks } from "../src/dominator/thread/tasks.ts";
import { openTaskThread } from "../src/dominator/thread/thread.ts";
import { leastLongestTurnMs } from "../tests/support/loop-turns.ts";
import { say } from "./environment.ts";

const about = `How long the regular check of a machine's disk holds the event loop that answers DHCP.

  bench/tree [FILES…]   numbers of files of the image (default 12000 60000 150000)

For each: a whole tree that the loop itself parses and compares (as until protocol 3 of the agent), a whole tree that the
Dominator's thread parses and compares, and the regular check: a comparison that the machine made. CPU milliseconds of the
longest turn of the loop, the least of ten runs, and bytes of the poll.
`;

const log: Log = () => undefined;
const id = "m-525400000001" as MachineId;
const credential = credentialFor(id, "0a".repeat(32));

/** A tree with fifty files in each directory. */
function treeOf(files: number): Tree {
  const inodes: Tree["inodes"][number][] = [{ kind: "directory", mode: 0o755, uid: 0, gid: 0 }];
  const entries: TreeEntry[] = [];
  for (let n = 0; n < files; n += 1) {
    const directory = `/lib${String(Math.floor(n / 50)).padStart(5, "0")}`;
    if (n % 50 === 0) entries.push([directory, 0]);
    const sha512 = createHash("sha512").update(String(n)).digest("hex");
    const file: RegularInode = {
      ...{ kind: "regular", mode: 0o644, uid: 0, gid: 0 },
      ...{ mtimeMs: 1_700_000_000_000, size: 4096, sha512 },
    };
    entries.push([`${directory}/file-${String(n).padStart(7, "0")}.so`, inodes.push(file) - 1]);
  }
  return { inodes, entries };
}

function bytesOf(poll: SubPoll): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(poll));
}

/** The pieces that a socket hands over, each in a turn of its own. */
async function* received(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    await nextTurn();
    yield bytes.subarray(at, at + 65_536);
  }
}

type Measured = { readonly loopMs: number; readonly pollBytes: number };

/** The server's side of a poll over an image store, with the machine in memory. */
function openServer(images: ImageStore, image: ImageSummary, tasks: Pick<DominatorTasks, "readPoll">) {
  const machine = testMachine("healthy", {
    ...{ id, requiredImage: image.name, runningImage: image.name },
    subTokenHash: createHash("sha256").update(credential).digest("hex"),
  });
  const clock = { monotonicMs: () => performance.now() };
  const reportSlots = openReportSlots(clock);
  const app = subApp({
    ...{ images, tasks, caPem: "", clock, log, reportSlots },
    store: {
      ...{ get: () => machine, unreadableWith: () => undefined },
      ...{ apply: async () => ({ kind: "changed", machine }), addLog: () => undefined },
      noteProgress: () => undefined,
    },
  });
  /** Sends a poll as a machine of whom this was requested, and reads the directive. */
  return async (poll: Uint8Array<ArrayBuffer>, expected: string): Promise<void> => {
    reportSlots.notified(id, { kind: "report" });
    const headers = { authorization: `Bearer ${credential}`, "content-length": String(poll.length) };
    const request: RequestInit = { method: "POST", headers, body: ReadableStream.from(received(poll)), duplex: "half" };
    const answer = await app.request(paths.subPoll, request);
    const text = await answer.text();
    if (!text.includes(expected)) throw new Error(`poll: expected ${expected}, found ${answer.status} ${text}`);
  };
}

async function measure(files: number, thread: DominatorTasks): Promise<Record<string, Measured>> {
  const directory = await mkdtemp(join(tmpdir(), "birther-bench-"));
  try {
    const images = await openImageStore(directory, { log });
    const tree = treeOf(files);
    const image = await images.add("compute", { createdAtMs: 0, source: "bench", filter: [], tree });
    const poll: SubPoll = {
      ...{ protocol: agentProtocol, machineId: id, running: "image", kernel: "6.12", patchedImage: image.name },
      ...{ rebootPending: false, secondsSinceCheck: 0, freeBytes: 1e12 },
    };
    const manifest = image.manifest.sha512;
    const seen = { have: tree, objects: [], protocol: agentProtocol };
    const comparison = comparisonOf(manifest, compareTree(seen, { filter: [], tree }));
    const whole = bytesOf({ ...poll, tree, objects: [] });
    const compared = bytesOf({ ...poll, comparison });
    const figures: Record<string, Measured> = {};
    for (const [name, tasks, text] of [
      ["wholeTreeOnLoop", inlineTasks(), whole],
      ["wholeTreeInThread", thread, whole],
      ["comparison", thread, compared],
    ] as const) {
      const send = openServer(images, image, tasks);
      const loopMs = await leastLongestTurnMs(() => send(text, `"upToDate":true`), 0);
      figures[name] = { loopMs: Math.round(loopMs * 10) / 10, pollBytes: text.length };
      say(`${files} files: ${name}: ${figures[name].loopMs} ms, ${text.length} bytes`);
    }
    return figures;
  } finally {
    await rm(directory, { recursive: true });
  }
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { help: { type: "boolean" } } });
if (values.help) process.stdout.write(about);
else {
  await using thread = openTaskThread();
  const results: Record<string, object> = {};
  for (const files of positionals.length > 0 ? positionals.map(Number) : [12_000, 60_000, 150_000])
    results[files] = await measure(files, thread);
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
