import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isStreamName } from "../../core/image/image-name.ts";
import { type ObjectStore, openObjectStore } from "./object-store.ts";

/** The contents of confidential images: a store for each stream, so that a machine of one reads nothing of another. */
export type ConfidentialStores = {
  /** The store of a stream, which is made if it is missing. */
  readonly ofStream: (stream: string) => Promise<ObjectStore>;
  /** All existing stores. */
  readonly all: () => Promise<readonly ObjectStore[]>;
};

/** Other users of the server do not enter the directory. */
async function openPrivately(directory: string, stream: string): Promise<ObjectStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return await openObjectStore(join(directory, stream));
}

/** Opens the stores in a directory: one directory for each stream. */
export function confidentialStores(directory: string): ConfidentialStores {
  const open = new Map<string, Promise<ObjectStore>>();
  const ofStream = (stream: string): Promise<ObjectStore> => {
    if (!isStreamName(stream))
      throw new Error(`stream: expected the name of a stream, found ${JSON.stringify(stream)}`);
    const known = open.get(stream) ?? openPrivately(directory, stream);
    open.set(stream, known);
    return known;
  };
  return {
    ofStream,
    all: async () => {
      const streams = await readdir(directory).catch(() => []);
      return await Promise.all(streams.filter(isStreamName).map(ofStream));
    },
  };
}
