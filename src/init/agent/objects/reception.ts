import * as host from "host";
import type { Content } from "../../../core/image/update/difference.ts";
import { atDirectory } from "../../beneath/place.ts";
import { agentPaths } from "../paths.ts";
import type { BegunContent } from "./begun-content.ts";

/** Contents on their way into the cache; the native program hashes and writes them in threads. */
export type Reception = {
  /** Takes the next bytes of the contents; throws if one that was fed before is damaged, forged or cannot be written. */
  readonly take: (bytes: Uint8Array) => void;
  /** Waits until everything is stored, and returns how many contents from the first on are; throws as `take`. */
  readonly end: () => number;
};

/** Begins a session of the native program; one can be open at a time. */
export function receive(
  { root, known, begun }: { readonly root: string; readonly known: Set<string>; readonly begun: BegunContent },
  contents: readonly Content[],
  { source, begunBytes }: { readonly source: string; readonly begunBytes: number },
): Reception {
  const lines = contents.map(({ sha512, size }) => `${sha512} ${size}\n`).join("");
  begun.begins(contents[0]?.sha512 ?? "", source, begunBytes);
  atDirectory(root, agentPaths.objects, (fd) => host.objectsBegin(fd, lines, begunBytes));
  const judged = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw begun.judge(error);
    }
  };
  return {
    take: (bytes) => judged(() => host.objectsFeed(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length)),
    end: () => {
      let stored = 0;
      try {
        stored = judged(host.objectsEnd);
      } finally {
        begun.ended(contents[stored]?.sha512);
      }
      for (const { sha512 } of contents.slice(0, stored)) known.add(sha512);
      return stored;
    },
  };
}
