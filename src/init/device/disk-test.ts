import * as host from "host";
import * as os from "os";
import * as std from "std";
import type { Disk } from "../../core/hardware/hardware.ts";
import { checked } from "../system/errno.ts";
import { readAt, writeToDescriptor } from "../system/files.ts";
import { sha512Bytes } from "../system/sha512.ts";
import type { Finding } from "./finding.ts";

const blockBytes = 2 ** 20;
const pageBytes = 4096;
/** getrandom(2) returns up to this many bytes without interruption. */
const randomAtOnce = 256;

/**
 * Writes a random pattern to blocks spread over the whole disk, reads it back from the medium, and restores the
 * previous contents. The test does not wipe the disk, because the birth may still end before it is partitioned.
 */
export function testDisk(disk: Disk, mebibytes: number): Finding {
  const { path } = disk;
  const { blocks, strideBytes } = spread(disk, mebibytes);
  const fd = checked(`open ${path}`, os.open(path, os.O_RDWR));
  const pattern = randomPattern();
  const buffer = new Uint8Array(blockBytes);
  let writeMs = 0;
  let readMs = 0;
  let wrongBlocks = 0;

  function write(block: number, bytes: Uint8Array): void {
    checked(`seek in ${path}`, os.seek(fd, block * strideBytes, std.SEEK_SET));
    writeToDescriptor(fd, bytes, `write ${path}`);
    host.fsync(fd);
  }
  try {
    for (let block = 0; block < blocks; block += 1) {
      readAt({ fd, path }, block * strideBytes, buffer);
      const original = buffer.slice();
      stamp(pattern, block);
      try {
        writeMs += timed(() => write(block, pattern));
        host.flushDeviceCache(path);
        readMs += timed(() => readAt({ fd, path }, block * strideBytes, buffer));
        if (sha512Bytes(buffer) !== sha512Bytes(pattern)) wrongBlocks += 1;
      } finally {
        write(block, original);
      }
    }
  } finally {
    os.close(fd);
  }
  return {
    figures: { writeMiBps: perSecond(blocks, writeMs), readMiBps: perSecond(blocks, readMs), wrongBlocks },
    fault: wrongBlocks === 0 ? "" : `${wrongBlocks} of ${blocks} blocks differ after reading back`,
  };
}

/**
 * Reads blocks spread over the whole disk without writing: for disks that may hold data. Stops after `mostSeconds`, so
 * that a dying disk is a named fault instead of a machine reset by its watchdog.
 */
export function testReading(disk: Disk, mebibytes: number, mostSeconds: number): Finding {
  const { path } = disk;
  const { blocks, strideBytes } = spread(disk, mebibytes);
  const fd = checked(`open ${path}`, os.open(path, os.O_RDONLY));
  const buffer = new Uint8Array(blockBytes);
  const startMs = host.monotonicMs();
  const passedMs = () => host.monotonicMs() - startMs;
  let readBlocks = 0;
  try {
    for (; readBlocks < blocks && passedMs() < mostSeconds * 1000; readBlocks += 1)
      readAt({ fd, path }, readBlocks * strideBytes, buffer);
  } finally {
    os.close(fd);
  }
  return {
    figures: { readMiBps: perSecond(readBlocks, passedMs()) },
    fault: readBlocks === blocks ? "" : `expected to read ${blocks} MiB in ${mostSeconds} s, read ${readBlocks} MiB`,
  };
}

/** How many blocks of a disk are tested, and the distance between them: they cover the whole disk. */
function spread({ sizeBytes }: Disk, mebibytes: number): { readonly blocks: number; readonly strideBytes: number } {
  const blocks = Math.min(mebibytes, Math.floor(sizeBytes / blockBytes));
  return { blocks, strideBytes: Math.floor(sizeBytes / blockBytes / blocks) * blockBytes };
}

function timed(work: () => void): number {
  const startMs = host.monotonicMs();
  work();
  return host.monotonicMs() - startMs;
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
