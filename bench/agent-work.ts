// The parts of birther-agent that cost a machine time and memory, timed one by one; prints one JSON object.
import * as host from "host";
import * as v from "valibot";
import { imageManifest } from "../src/contract/sub.ts";
import { decodeUtf8, encodeUtf8 } from "../src/core/bytes/utf8.ts";
import { parseFilter } from "../src/core/image/filter.ts";
import type { Inode, Tree } from "../src/core/image/tree.ts";
import { compareTree } from "../src/core/image/update/compare.ts";
import { scanTree } from "../src/init/agent/scan/scan.ts";
import { readText } from "../src/init/system/files.ts";

const [, root = "", filesText] = scriptArgs;
const files = Number(filesText);
const times: { [name: string]: number } = {};

function timed<T>(name: string, work: () => T): T {
  const beganMs = host.monotonicMs();
  const result = work();
  times[name] = Math.round(host.monotonicMs() - beganMs);
  return result;
}

/** An image as large as a system with a desktop's packages: half of its files differ between two versions. */
function imageOf(version: number): Tree {
  const inodes: Inode[] = [{ kind: "directory", mode: 0o755, uid: 0, gid: 0 }];
  const entries: [path: string, inode: number][] = [];
  for (let i = 0; i < files; i++) {
    if (i % 50 === 0) entries.push([`/usr/share/part-${String(i / 50).padStart(6, "0")}`, 0]);
    const changed = i % 2 === 0 ? version : 0;
    const sha512 = (i * 7 + changed).toString(16).padStart(128, "0");
    const number = inodes.push({ kind: "regular", mode: 0o644, uid: 0, gid: 0, mtimeMs: i + changed, size: i, sha512 });
    entries.push([`/usr/share/part-${String(Math.floor(i / 50)).padStart(6, "0")}/file-${i}.txt`, number - 1]);
  }
  entries.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  return { inodes, entries };
}

const reading = parseFilter(["/var/lib/.*", "/home(|/.*)$", "/etc/hostname$"]);
if (reading.kind !== "filter") throw new Error(`${reading.line}: ${reading.reason}`);
const { filter } = reading;
const context = { root, alive: () => {}, log: () => {} };
const seen = timed("scanMs", () => scanTree(context, { filter }));
const have = imageOf(1);
const image = { name: "bench.2", createdAtMs: 0, source: "bench", filter: ["/var/lib/.*"], tree: imageOf(2) };
const text = timed("jsonWriteMs", () => JSON.stringify(image));
const bytes = timed("utf8EncodeMs", () => encodeUtf8(text));
const again = timed("utf8DecodeMs", () => decodeUtf8(bytes));
const parsed = timed("jsonReadMs", () => JSON.parse(again));
const checked = timed("schemaMs", () => v.safeParse(imageManifest, parsed));
if (!checked.success) throw new Error(JSON.stringify(checked.issues[0]));
const { plan } = timed("compareMs", () => compareTree({ have, objects: [], protocol: 4 }, image));
const block = new Uint8Array(1 << 20).buffer;
timed("sha512Ms", () => {
  for (let i = 0; i < 64; i++) host.sha512(block, 0, block.byteLength);
});
const peak = /VmHWM:\s+(\d+) kB/.exec(readText("/proc/self/status"));
print(
  JSON.stringify({
    scanned: seen.tree.entries.length,
    steps: plan.steps.length,
    manifestBytes: bytes.length,
    ...times,
    peakMiB: Math.round(Number(peak?.[1]) / 1024),
  }),
);
