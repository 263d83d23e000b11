import * as host from "host";
import * as os from "os";
import { checked, errnoOf } from "./errno.ts";
import { writeToDescriptor } from "./files.ts";
import type { ByteStream } from "./line-buffer.ts";

/** The rate is judged over this time of waiting for bytes; time that our own disk takes does not count. */
const windowMs = 5000;

/** What is expected of a connection. */
export type Watch = {
  /** Called at least whenever a read times out. */
  readonly alive: () => void;
  /** Without a byte for this long, reading throws. */
  readonly stallMs: number;
  /** With less than this over five seconds, reading throws. */
  readonly leastBytesPerSecond: number;
  /** Whether the bytes that are waited for now count for the rate; all do without it. */
  readonly isCounted?: () => boolean;
  /** Called with the number of bytes after each wait, 0 at the end too; what it throws, reading throws. */
  readonly heard?: (bytes: number) => void;
};

/** Judges a connection; to be called after each wait for its bytes. Throws when the other side stalls or is slow. */
export function paceOf(watch: Omit<Watch, "alive">): (count: number, tookMs: number) => void {
  const { stallMs, leastBytesPerSecond, isCounted = () => true, heard = () => {} } = watch;
  let silentMs = 0;
  let spentMs = 0;
  let bytes = 0;
  return (count, tookMs) => {
    silentMs = count > 0 ? 0 : silentMs + tookMs;
    if (silentMs >= stallMs) throw new Error(`no byte within ${stallMs / 1000} s`);
    heard(count);
    if (!isCounted()) return;
    spentMs += tookMs;
    bytes += count;
    if (spentMs < windowMs) return;
    const rate = bytes / (spentMs / 1000);
    if (rate < leastBytesPerSecond)
      throw new Error(`${Math.round(rate)} bytes a second, less than ${Math.round(leastBytesPerSecond)}`);
    spentMs = bytes = 0;
  };
}

/** Reads from a socket whose reads time out, and throws when the other side stalls or is slow. */
export function watchedStream(fd: number, watch: Watch): ByteStream {
  const { alive, heard = () => {} } = watch;
  const judge = paceOf(watch);
  return {
    read: (buffer, offset, length) => {
      for (;;) {
        alive();
        const startMs = host.monotonicMs();
        const result = os.read(fd, buffer.buffer as ArrayBuffer, buffer.byteOffset + offset, length);
        const isTimeout = result === -errnoOf.EAGAIN;
        const count = isTimeout ? 0 : checked("read", result);
        if (count === 0 && !isTimeout) {
          heard(0);
          return 0;
        }
        judge(count, host.monotonicMs() - startMs);
        if (!isTimeout) return count;
      }
    },
    write: (bytes) => writeToDescriptor(fd, bytes, "write"),
    close: () => void os.close(fd),
  };
}
