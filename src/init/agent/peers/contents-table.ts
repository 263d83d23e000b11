import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import type { Tree } from "../../../core/image/tree.ts";
import { createFile } from "../../beneath/files.ts";
import { withDescriptor } from "../../beneath/place.ts";
import { writeToDescriptor } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";

/** Limits of host-peer-tree.c. */
const limits = { lines: 200_000, pathBytes: 4000 } as const;
const linesAtOnce = 2000;

/** Lines `HEX SIZE PATH`, sorted: which contents a system of this image has, and at which paths. */
export function contentsTable({ entries, inodes }: Tree): readonly string[] {
  const lines = entries.flatMap(([path, number]) => {
    const inode = inodes[number];
    if (inode?.kind !== "regular" || inode.size === 0 || path.includes("\n")) return [];
    // UTF-8 has at most three bytes for a UTF-16 unit.
    return path.length * 3 > limits.pathBytes ? [] : [`${inode.sha512} ${inode.size} ${path}\n`];
  });
  return lines.slice(0, limits.lines).sort();
}

/** Writes the table for the program that serves the contents; returns its path below the root. */
export function writeContentsTable(root: string, image: Tree): string {
  const path = agentPaths.contents;
  const lines = contentsTable(image);
  withDescriptor(`make ${path}`, createFile(root, path), (fd) => {
    for (let at = 0; at < lines.length; at += linesAtOnce)
      writeToDescriptor(fd, encodeUtf8(lines.slice(at, at + linesAtOnce).join("")), `write ${path}`);
  });
  return path;
}
