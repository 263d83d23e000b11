import { encodeUtf8 } from "../../../../src/core/bytes/utf8.ts";
import type { ErrnoName } from "../system/errno.ts";
import type { FileSystem } from "./file-system.ts";
import { type Inode, type KernelFile, typeBits } from "./inode.ts";

/** Fills trees that no program writes, such as /sys or an unpacked initramfs. Paths contain no links. */
export type TreeFiller = {
  readonly directory: (path: string, mode?: number) => Inode;
  readonly text: (path: string, text: string, mode?: number) => void;
  readonly bytes: (path: string, bytes: Uint8Array, mode?: number) => void;
  /** Adds a file whose content is generated at each opening. */
  readonly live: (
    path: string,
    read: () => string | { readonly errno: ErrnoName },
    write?: KernelFile["write"],
  ) => void;
  readonly symlink: (path: string, target: string) => void;
  readonly node: (path: string, type: "block" | "character", rdev: number) => void;
  readonly remove: (path: string) => void;
};

/** Makes the filler of a file system; `nowMs` is the time of everything that it adds. */
export function fillTree(fileSystem: FileSystem, nowMs = 0): TreeFiller {
  function directory(path: string, mode = 0o755): Inode {
    let here = fileSystem.root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      const number = here.entries.get(name);
      here =
        number === undefined
          ? fileSystem.create(here, name, { mode: typeBits.directory | mode, mtimeMs: nowMs })
          : fileSystem.get(number);
    }
    return here;
  }
  function place(path: string): { readonly parent: Inode; readonly name: string } {
    const slash = path.lastIndexOf("/");
    return { parent: directory(path.slice(0, slash)), name: path.slice(slash + 1) };
  }
  function bytes(path: string, content: Uint8Array, mode = 0o644): void {
    const { parent, name } = place(path);
    const number = parent.entries.get(name);
    const inode =
      number === undefined
        ? fileSystem.create(parent, name, { mode: typeBits.regular | mode, mtimeMs: nowMs })
        : fileSystem.get(number);
    fileSystem.truncate(inode, 0);
    fileSystem.write(inode, 0, content);
  }
  return {
    directory,
    bytes,
    text: (path, text, mode) => bytes(path, encodeUtf8(text), mode),
    live: (path, read, write) => {
      const { parent, name } = place(path);
      const kernelFile: KernelFile = {
        read: () => {
          const content = read();
          return typeof content === "string" ? encodeUtf8(content) : content.errno;
        },
        ...(write === undefined ? {} : { write }),
      };
      fileSystem.create(parent, name, { mode: typeBits.regular | 0o644, mtimeMs: nowMs, kernelFile });
    },
    symlink: (path, target) => {
      const { parent, name } = place(path);
      fileSystem.create(parent, name, { mode: typeBits.symlink | 0o777, mtimeMs: nowMs, target });
    },
    node: (path, type, rdev) => {
      const { parent, name } = place(path);
      fileSystem.create(parent, name, { mode: typeBits[type] | 0o600, mtimeMs: nowMs, rdev });
    },
    remove: (path) => {
      const { parent, name } = place(path);
      const number = parent.entries.get(name);
      if (number === undefined) return;
      for (const child of [...fileSystem.get(number).entries.keys()]) fillTree(fileSystem).remove(`${path}/${child}`);
      fileSystem.remove(parent, name);
    },
  };
}
