import { randomUUID } from "node:crypto";
import { createReadStream, fstatSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { OpenStore } from "../open-store.ts";

/** A backup being streamed: a whole SQLite file. */
export type Backup = { readonly bytes: number; readonly stream: ReadableStream<Uint8Array> };

/**
 * Makes backups of an open MDB. Each is first written into a directory of its own and unlinked before the first byte is
 * sent, so that a killed server leaves no file behind.
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
