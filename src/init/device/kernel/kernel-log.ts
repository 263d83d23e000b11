import * as os from "os";
import { textFromBytes } from "../../../core/bytes/text.ts";
import { type KernelMessage, readKernelMessages } from "../../../core/hardware/kernel-log.ts";

/** O_NONBLOCK (asm-generic/fcntl.h), which QuickJS does not name. */
const nonBlocking = 0o4000;
/** A record of the kernel is shorter (CONSOLE_EXT_LOG_MAX). */
const recordBytes = 8192;
/** More records than the kernel's ring buffer holds: a kernel that writes faster than we read does not keep us here. */
const mostRecords = 20_000;
/** EPIPE: the kernel has overwritten the next record; the one after it follows. */
const overwritten = 32;

/** The kernel's log, read as it grows. */
export type KernelLog = {
  /** The messages since the last call, from the kernel's start on; none where there is no log. */
  readonly take: () => readonly KernelMessage[];
  readonly close: () => void;
};

/** Opens the kernel's log at its oldest message. */
export function openKernelLog(): KernelLog {
  const fd = os.open("/dev/kmsg", os.O_RDONLY | nonBlocking);
  const buffer = new Uint8Array(recordBytes);
  return {
    take: () => {
      if (fd < 0) return [];
      let text = "";
      for (let record = 0; record < mostRecords; record += 1) {
        const count = os.read(fd, buffer.buffer, 0, buffer.length);
        if (count === -overwritten) continue;
        // 0 or EAGAIN: these were all.
        if (count <= 0) break;
        text += textFromBytes(buffer.subarray(0, count));
      }
      return readKernelMessages(text);
    },
    close: () => {
      if (fd >= 0) os.close(fd);
    },
  };
}
