import { createReadStream, type Stats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { fileType, type Inode } from "../../core/image/tree.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { ImportInput } from "./input.ts";
import type { TreeBuilder } from "./tree-builder.ts";
import { utf8 } from "./utf8.ts";

/** Walks a directory as an image's root. Does not enter other file systems mounted in it; omits sockets. */
export async function importDirectory(input: ImportInput & { readonly tree: TreeBuilder }): Promise<void> {
  const { objects, tree } = input;
  const device = (await lstat(input.source)).dev;
  const firstNames = new Map<string, string>();
  let paths = 0;
  let readBytes = 0;
  const walk = async (directory: string, above: string): Promise<void> => {
    for (const nameBytes of (await readdir(directory, { encoding: "buffer" })).sort(Buffer.compare)) {
      const name = utf8(nameBytes);
      const file = join(directory, name);
      const path = `${above}/${name}`;
      const stats = await lstat(file);
      if (stats.isSocket()) continue;
      const identity = `${stats.dev}:${stats.ino}`;
      const first = stats.nlink > 1 && !stats.isDirectory() ? firstNames.get(identity) : undefined;
      if (first !== undefined) tree.link(path, first);
      else {
        firstNames.set(identity, path);
        tree.add(path, await inodeOf(file, stats, objects));
        readBytes += stats.isFile() ? stats.size : 0;
      }
      paths += 1;
      input.onProgress?.({ paths, readBytes });
      if (stats.isDirectory() && stats.dev === device) await walk(file, path);
    }
  };
  await walk(input.source, "");
}

async function inodeOf(file: string, stats: Stats, objects: ObjectStore): Promise<Inode> {
  const { uid, gid } = stats;
  const mode = stats.mode & 0o7777;
  if (stats.isDirectory()) return { kind: "directory", mode, uid, gid };
  if (stats.isSymbolicLink())
    return { kind: "symlink", uid, gid, target: utf8(await readlink(file, { encoding: "buffer" })) };
  if (!stats.isFile())
    return { kind: "special", mode: stats.mode & (fileType.mask | 0o7777), uid, gid, rdev: stats.rdev };
  const content = stats.size === 0 ? { sha512: "", size: 0 } : await objects.add(createReadStream(file));
  return { kind: "regular", mode, uid, gid, mtimeMs: Math.floor(stats.mtimeMs), ...content };
}
