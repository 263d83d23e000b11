import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Attributes } from "../../core/image/attributes/attributes.ts";
import { type AttributeKind, carryAttributes } from "../../core/image/attributes/carry.ts";
import { agentProtocol, subFilter } from "../../core/image/filter.ts";
import { fileType, type Inode } from "../../core/image/tree.ts";
import { fileAttributes } from "./file-attributes.ts";
import type { OpenImport } from "./input.ts";
import { utf8 } from "./utf8.ts";

/** A path of the image, the file behind it, and what it is. */
type Found = {
  readonly path: string;
  readonly file: string;
  readonly stats: Stats;
  readonly carried: { readonly attributes?: Attributes };
};

/**
 * Imports a directory as an image's root. Does not enter other file systems mounted in it; omits sockets, and everything
 * that belongs to a machine.
 */
export async function importDirectory(input: OpenImport): Promise<void> {
  const { tree, writer, signal } = input;
  const found = await listDirectory(input);
  const totalBytes = found.reduce((sum, { stats }) => sum + contentBytes(stats), 0);
  const firstNames = new Map<string, string>();
  let readBytes = 0;
  for (const [index, { path, file, stats, carried }] of found.entries()) {
    signal?.throwIfAborted();
    const identity = `${stats.dev}:${stats.ino}`;
    const first = stats.nlink > 1 && !stats.isDirectory() ? firstNames.get(identity) : undefined;
    if (first !== undefined) tree.link(path, first);
    else {
      firstNames.set(identity, path);
      if (!stats.isFile()) tree.add(path, inodeOf(file, stats, carried));
      else {
        const store = tree.addFile(path);
        const { uid, gid, mtimeMs, size } = stats;
        const facts = { mode: stats.mode & 0o7777, uid, gid, mtimeMs: Math.floor(mtimeMs), ...carried };
        await writer.putFile({ path: file, size }, (content) => store({ kind: "regular", ...facts, ...content }));
      }
    }
    readBytes += contentBytes(stats);
    input.onProgress?.({ paths: index + 1, readBytes, totalBytes });
  }
}

/** Everything below a directory, parents first. */
async function listDirectory({ source, filter, signal, notCarried }: OpenImport): Promise<readonly Found[]> {
  const { protects } = subFilter(filter, agentProtocol);
  const device = lstatSync(source).dev;
  const found: Found[] = [];
  const walk = async (directory: string, above: string): Promise<void> => {
    await nextTurn();
    signal?.throwIfAborted();
    for (const nameBytes of readdirSync(directory, { encoding: "buffer" }).sort(Buffer.compare)) {
      const name = utf8(nameBytes);
      const file = join(directory, name);
      const path = `${above}/${name}`;
      if (protects(path)) continue;
      const stats = lstatSync(file);
      if (stats.isSocket()) {
        notCarried.add("socket", path);
        continue;
      }
      const { attributes, left } = carryAttributes(kindOf(stats), fileAttributes(file));
      for (const what of left) notCarried.add(what, path);
      found.push({ path, file, stats, carried: attributes === undefined ? {} : { attributes } });
      if (stats.isDirectory() && stats.dev === device) await walk(file, path);
    }
  };
  await walk(source, "");
  return found;
}

function contentBytes(stats: Stats): number {
  return stats.isFile() ? stats.size : 0;
}

function kindOf(stats: Stats): AttributeKind {
  if (stats.isFile()) return "regular";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "symlink" : "special";
}

function inodeOf(file: string, stats: Stats, carried: Found["carried"]): Inode {
  const { uid, gid } = stats;
  if (stats.isDirectory()) return { kind: "directory", mode: stats.mode & 0o7777, uid, gid, ...carried };
  if (stats.isSymbolicLink())
    return { kind: "symlink", uid, gid, target: utf8(readlinkSync(file, { encoding: "buffer" })) };
  return { kind: "special", mode: stats.mode & (fileType.mask | 0o7777), uid, gid, rdev: stats.rdev, ...carried };
}
