import type { Attributes } from "../../core/image/attributes/attributes.ts";
import { type AttributeKind, carryAttributes, withPermissions } from "../../core/image/attributes/carry.ts";
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
  const { kind, uid, gid, mtimeMs } = header;
  if (kind === "link") {
    const existing = cleanPath(header.linkPath);
    if (existing === undefined) throw new Error(`${path}: expected a hard link to a file, found one to the root`);
    tree.link(path, existing);
    return;
  }
  const { attributes, permissions, left } = carryAttributes(attributeKind(kind), header.attributes);
  for (const what of left) notCarried.add(what, path);
  const mode = withPermissions(header.mode, permissions);
  const carried = attributes === undefined ? {} : { attributes };
  if (kind === "file") {
    const store = tree.addFile(path);
    await writer.put(content, (object) => store({ kind: "regular", mode, uid, gid, mtimeMs, ...object, ...carried }));
  } else tree.add(path, inodeOf({ ...header, kind, mode }, carried));
}

function attributeKind(kind: Exclude<TarHeader["kind"], "link">): AttributeKind {
  if (kind === "file") return "regular";
  return kind === "directory" || kind === "symlink" ? kind : "special";
}

function inodeOf(
  header: TarHeader & { readonly kind: Exclude<TarHeader["kind"], "link" | "file"> },
  carried: { readonly attributes?: Attributes },
): Inode {
  const { mode, uid, gid } = header;
  const special = (type: number): Inode => ({
    kind: "special",
    mode: type | mode,
    uid,
    gid,
    rdev: deviceNumber(header.major, header.minor),
    ...carried,
  });
  switch (header.kind) {
    case "symlink":
      return { kind: "symlink", uid, gid, target: header.linkPath };
    case "character-device":
      return special(fileType.character);
    case "block-device":
      return special(fileType.block);
    case "directory":
      return { kind: "directory", mode, uid, gid, ...carried };
    case "fifo":
      return special(fileType.fifo);
  }
}

/** dev_t as in stat(2) (glibc's makedev). */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x100000;
}
