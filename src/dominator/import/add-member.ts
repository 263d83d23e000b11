import { fileType, type Inode } from "../../core/image/tree.ts";
import type { OpenImport } from "./input.ts";
import type { TarHeader } from "./tar-member.ts";
import type { TarMember } from "./tar-reader.ts";
import { cleanPath } from "./tree-builder.ts";

/** Adds a member of an archive to the tree, and hands its content to the writer. */
export async function addMember({ header, content }: TarMember, input: OpenImport): Promise<void> {
  const { tree, writer, notCarried } = input;
  const path = cleanPath(header.path);
  if (path === undefined) return;
  for (const name of header.attributeNames) notCarried.add(name, path);
  const { kind, mode, uid, gid, mtimeMs } = header;
  if (kind === "link") {
    const existing = cleanPath(header.linkPath);
    if (existing === undefined) throw new Error(`${path}: expected a hard link to a file, found one to the root`);
    tree.link(path, existing);
  } else if (kind === "file") {
    const store = tree.addFile(path);
    await writer.put(content, (object) => store({ kind: "regular", mode, uid, gid, mtimeMs, ...object }));
  } else tree.add(path, inodeOf({ ...header, kind }));
}

function inodeOf(header: TarHeader & { readonly kind: Exclude<TarHeader["kind"], "link" | "file"> }): Inode {
  const { mode, uid, gid } = header;
  const special = (type: number): Inode => ({
    kind: "special",
    mode: type | mode,
    uid,
    gid,
    rdev: deviceNumber(header.major, header.minor),
  });
  switch (header.kind) {
    case "symlink":
      return { kind: "symlink", uid, gid, target: header.linkPath };
    case "character-device":
      return special(fileType.character);
    case "block-device":
      return special(fileType.block);
    case "directory":
      return { kind: "directory", mode, uid, gid };
    case "fifo":
      return special(fileType.fifo);
  }
}

/** dev_t as in stat(2) (glibc's makedev). */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x100000;
}
