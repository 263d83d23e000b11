import * as host from "host";
import * as os from "os";
import * as std from "std";
import type { Disk } from "../core/machine/hardware.ts";
import type { Finding } from "./burn-in.ts";
import { checked } from "./system/errno.ts";
import { writeToDescriptor } from "./system/files.ts";

const blockBytes = 2 ** 20;

/**
 * Writes a random pattern to blocks spread over the whole disk, reads it back from the medium, and puts back what was
 * there before: a disk is tested without being wiped, since the order may yet be refused.
 */
export function testDisk(disk: Disk, mebibytes: number): Finding {
  const blocks = Math.min(mebibytes, Math.floor(disk.sizeBytes / blockBytes));
  const stride = Math.floor(disk.sizeBytes / blockBytes / blocks) * blockBytes;
  const fd = checked(`open ${disk.path}`, os.open(disk.path, os.O_RDWR));
  const pattern = new Uint8Array(host.randomBytes(blockBytes));
  const wanted = host.sha512(pattern.buffer, 0, blockBytes);
  const buffer = new Uint8Array(blockBytes);
  let writeMs = 0;
  let readMs = 0;
  let wrongBlocks = 0;

  function seek(block: number): void {
    checked(`seek in ${disk.path}`, os.seek(fd, block * stride, std.SEEK_SET));
  }
  function read(block: number): void {
    seek(block);
    for (let done = 0; done < blockBytes; ) {
      const count = checked(`read ${disk.path}`, os.read(fd, buffer.buffer, done, blockBytes - done));
      if (count === 0) throw new Error(`${disk.path} ends before its size`);
      done += count;
    }
  }
  function write(block: number, bytes: Uint8Array): void {
    seek(block);
    writeToDescriptor(fd, bytes, `write ${disk.path}`);
    host.fsync(fd);
  }
  function timed(work: () => void): number {
    const startMs = host.monotonicMs();
    work();
    return host.monotonicMs() - startMs;
  }

  try {
    for (let block = 0; block < blocks; block += 1) {
      read(block);
      const original = buffer.slice();
      try {
        writeMs += timed(() => write(block, pattern));
        host.flushDeviceCache(disk.path);
        readMs += timed(() => read(block));
        if (host.sha512(buffer.buffer, 0, blockBytes) !== wanted) wrongBlocks += 1;
      } finally {
        write(block, original);
      }
    }
  } finally {
    os.close(fd);
  }
  const perSecond = (milliseconds: number) => Math.round((blocks * 1000) / Math.max(1, milliseconds));
  return {
    figures: { writeMiBps: perSecond(writeMs), readMiBps: perSecond(readMs), wrongBlocks },
    fault: wrongBlocks === 0 ? "" : `${wrongBlocks} of ${blocks} blocks read back wrong`,
  };
}
