import * as host from "host";
import type { Content } from "../../../core/image/update/difference.ts";
import { feedFile, remove, rename } from "../../beneath/files.ts";
import { atDirectory } from "../../beneath/place.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";

/** A shorter beginning is fetched again sooner than it is looked after. */
const leastBytes = 1 << 20;
/** An agent that was killed leaves one large draft, and those of small contents that its threads were writing. */
const mostDrafts = 4;

/** `aa/REST.newN`, the form of host-objects-draft.c; undefined for the name of a whole content. */
export function contentOfDraft(path: string): string | undefined {
  const parts = /^([0-9a-f]{2})\/([0-9a-f]{126})\.new\d+$/.exec(path);
  return parts === null ? undefined : `${parts[1]}${parts[2]}`;
}

/** A file in the directory of objects, and how much it has. */
export type FoundDraft = { readonly path: string; readonly bytes: number };

/** What an earlier process of the agent had of contents when it was killed, or the power failed. */
export type LeftDrafts = {
  /**
   * Takes the drafts that are there: hashes the largest ones, and removes the others. A draft that is a whole content gets its name;
   * returns these contents.
   */
  readonly found: (drafts: readonly FoundDraft[]) => readonly string[];
  readonly has: (sha512: string) => boolean;
  /** Room on the disk that the drafts take, and that is free for what is fetched next. */
  readonly bytes: () => number;
  /** Removes the drafts of all contents but these. */
  readonly keepOnly: (contents: readonly Content[]) => void;
  /** Passes the draft of a content on to the native program, which continues it; false if there is none. */
  readonly adopt: (sha512: string) => boolean;
};

/** No draft is known yet. */
export function openLeftDrafts({ root, alive }: Pick<SubContext, "root" | "alive">): LeftDrafts {
  const { objects } = agentPaths;
  const drafts = new Map<string, FoundDraft & { readonly state: ArrayBuffer }>();

  /** Whether it is one after it was looked at: the file may be damaged in every way, but only its own content can suffer from that. */
  function take(sha512: string, { path }: FoundDraft): "draft" | "whole" {
    const { state, bytes } = feedFile(root, `${objects}/${path}`, alive);
    if (host.sha512End(state) === sha512) {
      rename(root, `${objects}/${path}`, `${objects}/${sha512.slice(0, 2)}/${sha512.slice(2)}`);
      return "whole";
    }
    drafts.set(sha512, { path, bytes, state });
    return "draft";
  }
  return {
    found: (found) => {
      const known = new Set([...drafts.values()].map(({ path }) => path));
      const whole: string[] = [];
      for (const draft of [...found].sort((one, other) => other.bytes - one.bytes)) {
        const sha512 = contentOfDraft(draft.path);
        if (sha512 === undefined || known.has(draft.path) || host.objectsKept(sha512) > 0) continue;
        const isWorthIt = draft.bytes >= leastBytes && drafts.size < mostDrafts && !drafts.has(sha512);
        if (!isWorthIt) remove(root, `${objects}/${draft.path}`);
        else if (take(sha512, draft) === "whole") whole.push(sha512);
      }
      return whole;
    },
    has: (sha512) => drafts.has(sha512),
    bytes: () => [...drafts.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    keepOnly: (contents) => {
      const sizes = new Map(contents.map(({ sha512, size }) => [sha512, size]));
      for (const [sha512, { path, bytes }] of [...drafts]) {
        if (bytes < (sizes.get(sha512) ?? 0)) continue;
        drafts.delete(sha512);
        remove(root, `${objects}/${path}`);
      }
    },
    adopt: (sha512) => {
      const draft = drafts.get(sha512);
      if (draft === undefined) return false;
      drafts.delete(sha512);
      const { path, bytes, state } = draft;
      atDirectory(root, objects, (fd) => host.objectsAdopt(fd, sha512, path, bytes, state));
      return true;
    },
  };
}
