import * as host from "host";
import * as os from "os";
import type { DiskIdentity } from "../../../core/hardware/disk-identity.ts";
import { messageOf } from "../../birth/stop.ts";
import { checked } from "../../system/errno.ts";
import { readAt } from "../../system/files.ts";
import { sha512Bytes } from "../../system/sha512.ts";

const mebibyte = 2 ** 20;
/** At once: a disk that is slow to forget must not hold up the watchdog. */
const pieceBytes = 2 ** 30;
/** A disk that takes longer keeps the rest until something is written over it. */
const mostMs = 240_000;
const samples = 64;
const sampleBytes = 65_536;

/** How far a disk has forgotten its blocks, how many samples over all of it read as zeros, and why it did not go on. */
export type DiscardedBlocks = {
  readonly mebibytes: number;
  readonly samples: number;
  readonly zeros: number;
  readonly refusal?: string;
};

/**
 * Tells a disk to forget all of its blocks, and looks what it reads then. Many disks take no discards, and some read the
 * old data afterwards: that is a fact of the record and no failure.
 */
export function discardDisk({ path, sizeBytes }: DiskIdentity): DiscardedBlocks {
  const startMs = host.monotonicMs();
  let done = 0;
  let refusal: string | undefined;
  while (done < sizeBytes && refusal === undefined) {
    const length = Math.min(pieceBytes, sizeBytes - done);
    if (host.monotonicMs() - startMs > mostMs) refusal = `expected the whole disk within ${mostMs / 1000} s`;
    else
      try {
        host.discard(path, done, length);
        done += length;
      } catch (error) {
        refusal = messageOf(error);
      }
  }
  const mebibytes = Math.floor(done / mebibyte);
  return { mebibytes, samples, zeros: zeroSamples(path, sizeBytes), ...(refusal === undefined ? {} : { refusal }) };
}

/** From the disk and not from memory. */
function zeroSamples(path: string, sizeBytes: number): number {
  host.flushDeviceCache(path);
  const fd = checked(`open ${path}`, os.open(path, os.O_RDONLY));
  const empty = sha512Bytes(new Uint8Array(sampleBytes));
  const buffer = new Uint8Array(sampleBytes);
  const stride = Math.floor((sizeBytes - sampleBytes) / (samples - 1) / sampleBytes) * sampleBytes;
  let zeros = 0;
  try {
    for (let sample = 0; sample < samples; sample += 1) {
      readAt({ fd, path }, sample * stride, buffer);
      if (sha512Bytes(buffer) === empty) zeros += 1;
    }
  } finally {
    os.close(fd);
  }
  return zeros;
}
