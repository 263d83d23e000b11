import { setTimeout as wait } from "node:timers/promises";
import type { Log } from "../../core/ports.ts";
import type { ObjectStore } from "./object-store.ts";

type Objects = Pick<ObjectStore, "names" | "isIntact" | "sizeOf">;

/** After each piece of 64 KiB: about 3 MB/s, which no disk and no packet notices. */
const pieceMs = 20;
/** Between two passes over all objects. */
const passMs = 86_400_000;

/**
 * The objects whose content is not what their name says, as they are found. One that a collection has moved or removed meanwhile is
 * looked at again.
 */
export async function* damagedObjects(objects: Objects, pause?: () => Promise<void>): AsyncGenerator<string> {
  const isDamaged = async (sha512: string) =>
    !(await objects.isIntact(sha512, pause)) && (await objects.sizeOf(sha512)) !== undefined;
  for await (const sha512 of objects.names()) if ((await isDamaged(sha512)) && (await isDamaged(sha512))) yield sha512;
}

/** Reads the objects of all stores slowly in the background, again and again, and logs the damaged ones; ends when disposed. */
export function startScrub(stores: () => Promise<readonly Objects[]>, log: Log): Disposable {
  const ending = new AbortController();
  const { signal } = ending;
  const pause = (ms: number) => wait(ms, undefined, { signal, ref: false });
  const run = async () => {
    for (;;) {
      for (const objects of await stores())
        for await (const sha512 of damagedObjects(objects, () => pause(pieceMs)))
          log("error", "an object is damaged, and machines cannot fetch it; import its image again", { sha512 });
      await pause(passMs);
    }
  };
  run().catch((cause: unknown) => {
    if (!signal.aborted) log("error", "checking the objects failed; it begins again at the next start", { cause });
  });
  return { [Symbol.dispose]: () => ending.abort() };
}
