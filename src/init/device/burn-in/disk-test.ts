import * as host from "host";
import * as os from "os";
import * as std from "std";
import { slowestSecondsPerMiB } from "../../../core/burn-in/plan.ts";
import type { Disk } from "../../../core/hardware/hardware.ts";
import { checked } from "../../system/errno.ts";
import { readAt, writeToDescriptor } from "../../system/files.ts";
import { sha512Bytes } from "../../system/sha512.ts";
import type { Finding } from "./finding.ts";

const blockBytes = 2 ** 20;
const pageBytes = 4096;
/** getrandom(2) returns up to this many bytes without interruption. */
const randomAtOnce = 256;

/** How much of a disk is tested, for how long, and who hears how far it is. */
export type DiskTest = {
  readonly disk: Disk;
  readonly mebibytes: number;
  readonly seconds: number;
  /** Hears a share from 0 to 1. */
  readonly notify: (share: number) => void;
};

/**
 * Writes a random pattern to blocks spread over the whole disk, reads it back from the medium, and restores the
 * previous contents. The test does not wipe the disk, because the birth may still end before it is partitioned.
 */
export function testDisk(test: DiskTest): Finding {
  const { path } = test.disk;
  const { blocks, strideBytes } = spread(test);
  const fd = checked(`open ${path}`, os.open(path, os.O_RDWR));
  const pattern = randomPattern();
  const buffer = new Uint8Array(blockBytes);
  const writeMs: number[] = [];
  const readMs: number[] = [];
  const wrongAt: number[] = [];

  function write(block: number, bytes: Uint8Array): void {
    checked(`seek in ${path}`, os.seek(fd, block * strideBytes, std.SEEK_SET));
    writeToDescriptor(fd, bytes, `write ${path}`);
    host.fsync(fd);
  }
  function testBlock(block: number): void {
    readAt({ fd, path }, block * strideBytes, buffer);
    const original = buffer.slice();
    stamp(pattern, block);
    try {
      writeMs.push(timed(() => write(block, pattern)));
      host.flushDeviceCache(path);
      readMs.push(timed(() => readAt({ fd, path }, block * strideBytes, buffer)));
      if (sha512Bytes(buffer) !== sha512Bytes(pattern)) wrongAt.push(block * strideBytes);
    } finally {
      write(block, original);
    }
  }
  try {
    const { done, fault } = eachBlock(test, blocks, testBlock);
    const latency = fault === "" ? readLatency({ fd, path }, test) : {};
    const differ = `${wrongAt.length} of ${done} blocks differ after reading back, the first at byte ${wrongAt[0]}`;
    return {
      figures: {
        ...{ writeMiBps: perSecond(done, sum(writeMs)), readMiBps: perSecond(done, sum(readMs)) },
        ...{ writeP99Ms: percentile(writeMs, 99), ...latency, wrongBlocks: wrongAt.length },
      },
      fault: [...(wrongAt.length === 0 ? [] : [differ]), ...(fault === "" ? [] : [fault])].join("; "),
    };
  } finally {
    os.close(fd);
  }
}

/** Reads blocks spread over the whole disk without writing: for disks that may hold data. */
export function testReading(test: DiskTest): Finding {
  const { path } = test.disk;
  const { blocks, strideBytes } = spread(test);
  const fd = checked(`open ${path}`, os.open(path, os.O_RDONLY));
  const buffer = new Uint8Array(blockBytes);
  try {
    const startMs = host.monotonicMs();
    const { done, fault } = eachBlock(test, blocks, (block) => readAt({ fd, path }, block * strideBytes, buffer));
    const figures = { readMiBps: perSecond(done, host.monotonicMs() - startMs) };
    return { figures: { ...figures, ...(fault === "" ? readLatency({ fd, path }, test) : {}) }, fault };
  } finally {
    os.close(fd);
  }
}

/**
 * Tests block by block until the time is over, so that a dying disk is a named fault instead of a machine reset by its
 * watchdog: it is too slow if it has not even done its blocks at the least speed.
 */
function eachBlock(
  { seconds, notify }: DiskTest,
  blocks: number,
  testBlock: (block: number) => void,
): { readonly done: number; readonly fault: string } {
  const startMs = host.monotonicMs();
  const passedMs = () => host.monotonicMs() - startMs;
  let done = 0;
  // At least one, however short the time is.
  for (; done === 0 || (done < blocks && passedMs() < seconds * (1 - latencyShare) * 1000); done += 1) {
    notify(Math.max(done / blocks, passedMs() / 1000 / seconds));
    testBlock(done);
  }
  const slow = done < blocks && passedMs() > done * slowestSecondsPerMiB * 1000;
  const fault = `expected at least 1 MiB in ${slowestSecondsPerMiB} s, found ${done} of ${blocks} MiB in ${Math.round(passedMs() / 1000)} s`;
  return { done, fault: slow ? fault : "" };
}

/** Small reads all over a disk, in no order: how long it takes to find one thing. */
const latencyReads = 128;
/** Enough for them on a sound disk of any kind; where the time is short, fewer reads have to do. */
const latencyShare = 0.25;
const mostLatencySeconds = 3;

function readLatency(
  file: { readonly fd: number; readonly path: string },
  { disk, seconds }: DiskTest,
): Finding["figures"] {
  host.flushDeviceCache(file.path);
  const pages = Math.floor(disk.sizeBytes / pageBytes);
  const mostMs = Math.min(mostLatencySeconds, seconds * latencyShare) * 1000;
  const numbers = new Uint32Array(host.randomBytes(randomAtOnce));
  const page = new Uint8Array(pageBytes);
  const tookMs: number[] = [];
  const startMs = host.monotonicMs();
  while (tookMs.length === 0 || (tookMs.length < latencyReads && host.monotonicMs() - startMs < mostMs)) {
    const place = (numbers[tookMs.length % numbers.length] ?? 0) / 2 ** 32;
    // The second use of a number leads to another half of the disk.
    const turned = tookMs.length < numbers.length ? place : (place + 0.5) % 1;
    tookMs.push(timed(() => readAt(file, Math.floor(turned * pages) * pageBytes, page)));
  }
  return { latencyP50Ms: percentile(tookMs, 50), latencyP99Ms: percentile(tookMs, 99) };
}

/** How many blocks of a disk are tested, and the distance between them: they cover the whole disk. */
function spread({ disk, mebibytes }: DiskTest): { readonly blocks: number; readonly strideBytes: number } {
  const blocks = Math.min(mebibytes, Math.floor(disk.sizeBytes / blockBytes));
  return { blocks, strideBytes: Math.floor(disk.sizeBytes / blockBytes / blocks) * blockBytes };
}

function timed(work: () => void): number {
  const startMs = host.monotonicMs();
  work();
  return host.monotonicMs() - startMs;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** The time that this percentage of the operations did not exceed, to a hundredth of a millisecond. */
function percentile(tookMs: readonly number[], percent: number): number {
  const sorted = [...tookMs].sort((one, other) => one - other);
  const at = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
  return Math.round(at * 100) / 100;
}

function perSecond(blocks: number, milliseconds: number): number {
  return Math.round((blocks * 1000) / Math.max(1, milliseconds));
}

/** A block of random bytes: the same 4 KiB repeated, because random bytes are slow to generate. */
function randomPattern(): Uint8Array {
  const pattern = new Uint8Array(blockBytes);
  for (let at = 0; at < pageBytes; at += randomAtOnce) pattern.set(new Uint8Array(host.randomBytes(randomAtOnce)), at);
  for (let at = pageBytes; at < blockBytes; at += pageBytes) pattern.copyWithin(at, 0, pageBytes);
  return pattern;
}

/** Makes each page of a block unique, so that data written to the wrong address is found. */
function stamp(pattern: Uint8Array, block: number): void {
  const view = new DataView(pattern.buffer);
  for (let at = 0; at < blockBytes; at += pageBytes) {
    view.setUint32(at, block);
    view.setUint32(at + 4, at);
  }
}
