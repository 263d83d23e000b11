import * as os from "os";
import type { Content } from "../../../core/image/update/difference.ts";
import { createFile, hashFile, remove, rename } from "../../beneath/files.ts";
import { writeToDescriptor } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";
import type { LeftDrafts } from "./left-drafts.ts";
import { ownWork } from "./own-fault.ts";
import type { Reception } from "./reception.ts";

/** Where contents go. */
type Place = {
  readonly root: string;
  readonly alive: () => void;
  /** Contents that are verified. */
  readonly known: Set<string>;
  readonly left: Pick<LeftDrafts, "found">;
  /** The path of a content, in a directory that exists. */
  readonly pathFor: (sha512: string) => string;
};

/** The numbers of drafts of the threads are those of the contents in a session. */
const firstNumber = 100_000;

/**
 * Contents of one of several sources: written as they arrive, and hashed when they are whole, before anybody sees them. What is there of
 * one whose source breaks off is kept like the draft of an earlier process.
 */
export function receiveBeside(place: Place, contents: readonly Content[], number: number): Reception {
  const { root, alive, known, left, pathFor } = place;
  let stored = 0;
  let open: { readonly fd: number; readonly path: string; leftBytes: number } | undefined;

  function begin({ sha512, size }: Content): NonNullable<typeof open> {
    const path = `${pathFor(sha512)}.new${firstNumber + number}`;
    return { fd: createFile(root, path), path, leftBytes: size };
  }
  function finish({ sha512 }: Content, path: string): void {
    const found = ownWork(() => hashFile(root, path, alive));
    if (found !== sha512) {
      remove(root, path);
      const [expected, other] = [sha512.slice(0, 16), found.slice(0, 16)];
      throw new Error(`fetched object: expected SHA-512 ${expected}…, found ${other}…; it is damaged or forged`);
    }
    ownWork(() => rename(root, path, pathFor(sha512)));
    known.add(sha512);
    stored += 1;
  }
  return {
    take: (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const content = contents[stored];
        if (content === undefined) throw new Error(`expected ${contents.length} objects, found more bytes`);
        const into = open ?? ownWork(() => begin(content));
        open = into;
        const part = bytes.subarray(at, at + into.leftBytes);
        ownWork(() => writeToDescriptor(into.fd, part, `write ${into.path}`));
        at += part.length;
        into.leftBytes -= part.length;
        if (into.leftBytes > 0) return;
        const { fd, path } = into;
        open = undefined;
        os.close(fd);
        finish(content, path);
      }
    },
    end: () => {
      if (open !== undefined) {
        os.close(open.fd);
        const bytes = (contents[stored]?.size ?? 0) - open.leftBytes;
        left.found([{ path: open.path.slice(agentPaths.objects.length + 1), bytes }]);
        open = undefined;
      }
      return stored;
    },
  };
}
