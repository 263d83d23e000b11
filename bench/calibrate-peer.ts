import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../tests/native/native-program.ts";
import { newKey, startPeerServer } from "../tests/native/peer-server.ts";

/** Processor seconds for a gigabyte: of an agent that fetches it from another machine, and of the program that sends it. */
export type PeerCost = { readonly fetchSeconds: number; readonly sendSeconds: number };

const contentBytes = 64 << 20;
const contentCount = 8;

/** Lets an agent fetch from a birther-peer over loopback, both natively and in memory. */
export async function measurePeerCost(): Promise<PeerCost> {
  const root = mkdtempSync("/dev/shm/birther-bench-");
  const server = await startPeerServer();
  try {
    const key = newKey();
    server.set(key);
    const wanted: { readonly sha512: string; readonly size: number }[] = [];
    for (let n = 0; n < contentCount; n += 1)
      wanted.push({ sha512: await server.store(randomBytes(contentBytes)), size: contentBytes });
    const peer = { address: "127.0.0.1", port: server.port, key, expectedBytesPerSecond: 0 };
    const began = { own: ticks(process.pid, "children"), sent: ticks(server.child.pid ?? 0, "own") };
    const work = JSON.stringify({ peer, wanted, serves: false, again: false });
    const { stored, fault } = await runProgram(root, "peer-fetch", [root, work]);
    if (stored !== contentCount)
      throw new Error(`expected ${contentCount} contents, found ${stored}: ${fault?.reason}`);
    const perGigabyte = (count: number) =>
      Math.round((count / 100 / ((contentBytes * contentCount) / 1e9)) * 100) / 100;
    return {
      fetchSeconds: perGigabyte(ticks(process.pid, "children") - began.own),
      sendSeconds: perGigabyte(ticks(server.child.pid ?? 0, "own") - began.sent),
    };
  } finally {
    await server.close();
    rmSync(root, { recursive: true });
  }
}

/** Processor time of a process, or of its children that have ended: proc(5), fields 14 to 17 of stat, in ticks of 10 ms. */
function ticks(pid: number, of: "own" | "children"): number {
  const fields = readFileSync(join("/proc", String(pid), "stat"), "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const [user, system] = of === "own" ? [fields[11], fields[12]] : [fields[13], fields[14]];
  return Number(user) + Number(system);
}
