import * as os from "os";
import { hexFromBytes } from "../../../core/bytes/text.ts";
import { findContents } from "../../../core/hardware/disk-contents.ts";
import type { Disk } from "../../../core/hardware/hardware.ts";
import type { Log } from "../../../core/ports.ts";
import { messageOf } from "../../birth/stop.ts";
import { checked } from "../../system/errno.ts";
import { readAt } from "../../system/files.ts";

/** The disk with its contents, or with the reason why they cannot be read: then it may hold anything. Only reads. */
export function withContents(disk: Disk, log: Log): Disk {
  try {
    const contents = readContents(disk);
    if (contents.length > 0) log("info", "disk holds data", { path: disk.path, contents: contents.join(", ") });
    return { ...disk, contents };
  } catch (error) {
    log("warn", "reading the contents of a disk failed", { path: disk.path, fault: messageOf(error) });
    return { ...disk, contents: [`unreadable contents (${messageOf(error)})`] };
  }
}

/** Where the boot sector of a disk has its signature, a little-endian number of four bytes. */
const mbrSignatureAt = 440;

/** The signature in a disk's boot sector as EDD writes it, such as `0x1a2b3c4d`; empty if it cannot be read. */
export function mbrSignatureOf(path: string): string {
  const fd = os.open(path, os.O_RDONLY);
  if (fd < 0) return "";
  try {
    const bytes = new Uint8Array(4);
    readAt({ fd, path }, mbrSignatureAt, bytes);
    return `0x${hexFromBytes(bytes.reverse())}`;
  } catch {
    return "";
  } finally {
    os.close(fd);
  }
}

function readContents({ path, sizeBytes }: Disk): readonly string[] {
  const fd = checked(`open ${path}`, os.open(path, os.O_RDONLY));
  const read = (offset: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    readAt({ fd, path }, offset, bytes);
    return bytes;
  };
  try {
    return findContents(read, sizeBytes);
  } finally {
    os.close(fd);
  }
}
