import { readFileSync, readlinkSync } from "node:fs";

/**
 * Who writes a draft, as its name begins: process, its start in ticks since the boot (proc(5), field 22), the boot, and the
 * namespace in which the process has its number. All of them tell one process from every other of this computer.
 */
export function draftOwner(): string {
  return `pid-${process.pid}-${startOf(process.pid)}-${here()}.`;
}

/** Whether a draft belongs to a process that has ended. False for drafts of other boots and containers, which are only old. */
export function isAbandoned(draft: string): boolean {
  const [, pid, start, place] = /^pid-(\d+)-(\d+)-([0-9a-f]+)\./.exec(draft) ?? [];
  return pid !== undefined && place === here() && startOf(Number(pid)) !== start;
}

/** Whether a draft was begun before this computer started: its process has ended. */
export function isOfEarlierBoot(draft: string): boolean {
  const [, boot] = /^pid-\d+-\d+-([0-9a-f]{8})[0-9a-f]+\./.exec(draft) ?? [];
  return boot !== undefined && boot !== bootNow();
}

function bootNow(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
}

function here(): string {
  return `${bootNow()}${Number(/\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? 0).toString(16)}`;
}

/** The start of a process; undefined if there is none. */
function startOf(pid: number): string | undefined {
  try {
    // The second field is the name of the program in parentheses, which may have any characters.
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
