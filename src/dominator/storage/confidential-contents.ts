import type { ConfidentialStores } from "./confidential-stores.ts";
import type { ObjectStore } from "./object-store.ts";
import type { BatchSource } from "./objects-handler.ts";

/** The contents that belong to a stream: its own confidential ones, and all public ones. */
export async function objectsOf(
  stream: string | undefined,
  stores: {
    readonly objects: Pick<ObjectStore, "sizeOf" | "read" | "locate">;
    readonly confidential: Pick<ConfidentialStores, "ofStream">;
  },
): Promise<BatchSource> {
  const { objects, confidential } = stores;
  if (stream === undefined) return objects;
  const own = await confidential.ofStream(stream);
  return {
    locate: async (sha512) => (await own.locate(sha512)) ?? (await objects.locate(sha512)),
    sizeOf: async (sha512) => (await own.sizeOf(sha512)) ?? (await objects.sizeOf(sha512)),
    read: async function* (sha512, part) {
      yield* ((await own.sizeOf(sha512)) === undefined ? objects : own).read(sha512, part);
    },
  };
}
