import { plainText } from "../../core/bytes/plain-text.ts";
import { agentProtocol, subFilter } from "../../core/image/filter.ts";

/** What a source has and an image cannot hold: `security.capability`, `socket`; number of paths, and the first of them. */
export type NotCarried = { readonly what: string; readonly paths: number; readonly first: string };

/** Collects what an import leaves behind. */
export type NotCarriedList = {
  readonly add: (what: string, path: string) => void;
  readonly result: () => readonly NotCarried[];
};

/** Names of attributes are the source's to choose; more kinds than this count as one. */
const maxKinds = 20;

/** An empty list; paths that the filter protects are not in the image anyway, and do not count. */
export function listNotCarried(filterLines: readonly string[]): NotCarriedList {
  const { protects } = subFilter(filterLines, agentProtocol);
  const found = new Map<string, NotCarried>();
  return {
    add: (what, path) => {
      if (protects(path)) return;
      const name = plainText(what);
      const kind = found.has(name) || found.size < maxKinds ? name : "other attributes";
      const { paths, first } = found.get(kind) ?? { paths: 0, first: plainText(path) };
      found.set(kind, { what: kind, paths: paths + 1, first });
    },
    result: () => [...found.values()].sort((one, other) => (one.what < other.what ? -1 : 1)),
  };
}
