import { randomUUID } from "node:crypto";
import { createReadStream, fstatSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { OpenStore } from "../open-store.ts";

/** A backup under way to somebody: a whole SQLite file. */
export type Backup = { readonly bytes: number; readonly stream: ReadableStream<Uint8Array> };

/**
 * Makes backups of an open MDB. Each is written into a directory of ours first, under a name that is gone before the
 * first byte is sent: what a server that is killed leaves behind takes no place.
 */
export function backupsIn(directory: string, { backup }: Pick<OpenStore, "backup">): () => Promise<Backup> {
  return async () => {
    const path = join(directory, `backup-${randomUUID()}.sqlite`);
    try {
      await backup(path);
      const descriptor = openSync(path, "r");
      const stream = createReadStream(path, { fd: descriptor });
      return { bytes: fstatSync(descriptor).size, stream: Readable.toWeb(stream) as ReadableStream<Uint8Array> };
    } finally {
      await rm(path, { force: true });
    }
  };
}
