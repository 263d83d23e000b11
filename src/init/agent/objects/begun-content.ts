import * as host from "host";
import type { Content } from "../../../core/image/update/difference.ts";
import { unready } from "../peers/unready.ts";
import type { LeftDrafts } from "./left-drafts.ts";
import { ownFault } from "./own-fault.ts";

/** The beginning of a content whose stream broke, for the next source to go on with. */
export type BegunContent = {
  /** How many bytes this source may go on after; 0 if it has to send the content from its beginning. */
  readonly bytesFor: (sha512: string, source: string) => number;
  /** To be called before a source sends the rest of a content, or contents of which this is the first. */
  readonly begins: (sha512: string, source: string, begunBytes: number) => void;
  /** What an error of the reception means: it is this machine's own if nothing was wrong with a content; if the wrong content came from several sources, none of them is to blame. */
  readonly judge: (error: unknown) => unknown;
  /** Whether a content was wrong that came from several sources: it is to come from one. */
  readonly isToBeOfOne: (sha512: string) => boolean;
  /** Whether an earlier process left the beginning of a content; it can only be continued as the first content of a request. */
  readonly hasDraft: (sha512: string) => boolean;
  /** Removes what an earlier process left, except of these contents. */
  readonly keepDrafts: (contents: readonly Content[]) => void;
  /** Drops what is there from a stream that broke. */
  readonly forget: () => void;
  /** Drops everything: nothing is to be fetched. */
  readonly drop: () => void;
  /** Bytes on the disk. They are as good as free: they are part of what is fetched next, or removed before it. */
  readonly room: () => number;
  /** To be called after a reception: `sha512` is the content that was not complete. */
  readonly ended: (sha512: string | undefined) => void;
};

/** Stands for several sources that send the parts of one content at the same time. */
export const severalSources = "several";

/** Stands for the sources of a draft that an earlier process left, and for what became of it on the disk. */
const earlierProcess = "";

/**
 * A content may be put together from several sources, and only its hash shows that one of them lied. Then it is fetched once more, all of
 * it from one source, which is to blame if it is wrong again: a source that sends a false beginning and breaks costs one more fetch, and
 * not the true sources their name.
 */
export function begunContent(left: LeftDrafts): BegunContent {
  /** Whose bytes are kept. */
  let kept: { readonly sha512: string; readonly sources: ReadonlySet<string> } | undefined;
  /** Who sends now. */
  let now: { readonly sha512: string; readonly source: string; readonly before: ReadonlySet<string> } | undefined;
  /** Contents that had a wrong hash when several sources had sent them. */
  const alone = new Set<string>();
  function forget(): void {
    host.objectsForget();
    kept = undefined;
  }

  return {
    bytesFor: (sha512, source) => {
      if (kept?.sha512 !== sha512 && left.adopt(sha512)) kept = { sha512, sources: new Set([earlierProcess]) };
      if (kept?.sha512 !== sha512) return 0;
      const isOwn = source !== severalSources && kept.sources.size === 1 && kept.sources.has(source);
      return isOwn || !alone.has(sha512) ? host.objectsKept(sha512) : 0;
    },
    begins: (sha512, source, begunBytes) => {
      const before = begunBytes > 0 && kept?.sha512 === sha512 ? kept.sources : new Set<string>();
      now = { sha512, source, before };
    },
    judge: (error) => {
      const forged = host.objectsForged();
      // No content was another one than it should be, so it could not be written.
      if (forged === "") return ownFault(error);
      if (now === undefined || forged !== now.sha512) return error;
      const isOfOne = now.source !== severalSources && [...now.before].every((source) => source === now?.source);
      if (isOfOne) return error;
      alone.add(forged);
      return unready(`${forged.slice(0, 16)}… is wrong, and came from several sources; it is fetched again from one`);
    },
    isToBeOfOne: (sha512) => alone.has(sha512),
    ...{ forget, hasDraft: left.has, keepDrafts: left.keepOnly },
    drop: () => {
      forget();
      left.keepOnly([]);
    },
    room: () => left.bytes() + (kept === undefined ? 0 : host.objectsKept(kept.sha512)),
    ended: (sha512) => {
      const isKept = sha512 !== undefined && host.objectsKept(sha512) > 0;
      const before = sha512 === now?.sha512 ? now?.before : undefined;
      kept = isKept && now !== undefined ? { sha512, sources: new Set([...(before ?? []), now.source]) } : undefined;
    },
  };
}
