import * as host from "host";
import * as os from "os";
import { mdMemberHead, startingMembers } from "../../../core/install/md-superblock.ts";
import type { NewMember } from "../../../core/install/step.ts";
import { clock } from "../../system/clock.ts";
import { checked } from "../../system/errno.ts";
import { exists, readAt, readText, writeToDescriptor } from "../../system/files.ts";

const arrayOwner = "birther:root";

/** Writes the first mebibyte of a member: its superblock, and an empty bitmap. */
export function writeMemberHead(
  { path, ...ids }: NewMember,
  of: { readonly number: number; readonly members: number },
): void {
  const nowSeconds = Math.floor(clock.nowMs() / 1000);
  const fd = checked(`open ${path}`, os.open(path, os.O_RDWR));
  try {
    writeToDescriptor(fd, mdMemberHead({ ...ids, ...of, name: arrayOwner, nowSeconds }), `write ${path}`);
    host.fsync(fd);
  } finally {
    os.close(fd);
  }
}

/**
 * Assembles and starts an array of these members, by the files of md in /sys (Documentation/admin-guide/md.rst): the image has no
 * mdadm. A member with older data is left out. Throws if the array does not start.
 */
export function assembleMirror(array: string, members: readonly string[]): void {
  const md = `/sys/block/${array}/md`;
  if (!exists(md)) writeSetting("/sys/module/md_mod/parameters/new_array", array);
  writeSetting(`${md}/metadata_version`, "1.2");
  for (const member of membersToStart(members)) {
    const number = readText(`/sys/class/block/${member.replace(/^.*\//, "")}/dev`).trim();
    writeSetting(`${md}/new_dev`, number);
  }
  writeSetting(`${md}/array_state`, "active");
}

/** Without a member that cannot be read, or has older data; the only one, whatever it has. */
function membersToStart(members: readonly string[]): readonly string[] {
  const readable = members.flatMap((path) => {
    try {
      return [{ path, head: readMemberHead(path) }];
    } catch {
      return [];
    }
  });
  const [first, second] = readable;
  if (first === undefined) return members;
  if (second === undefined) return [first.path];
  return startingMembers(first.head, second.head).map((index) => [first, second][index]?.path ?? "");
}

/** The first 8 KiB of a member. Throws if they cannot be read. */
export function readMemberHead(path: string): Uint8Array {
  const fd = checked(`open ${path}`, os.open(path, os.O_RDONLY));
  try {
    const head = new Uint8Array(8192);
    readAt({ fd, path }, 0, head);
    return head;
  } finally {
    os.close(fd);
  }
}

/** In one write, as the kernel wants it. */
function writeSetting(path: string, value: string): void {
  const fd = checked(`open ${path}`, os.open(path, os.O_WRONLY));
  try {
    writeToDescriptor(
      fd,
      Uint8Array.from(`${value}\n`, (letter) => letter.charCodeAt(0)),
      `write ${value} to ${path}`,
    );
  } finally {
    os.close(fd);
  }
}
