import * as host from "host";
import type { SeenInode, SeenTree, Tree } from "../../../core/image/tree.ts";
import { hashDescriptor } from "../../beneath/files.ts";
import { atPlace, statOf, withDescriptor } from "../../beneath/place.ts";
import { isOfPath } from "../../system/errno.ts";
import type { SubContext } from "../sub-context.ts";
import { type Identity, isSame } from "./identity.ts";

/** What a scan saw; its inodes get hashes here. */
export type SeenFiles = {
  readonly inodes: SeenInode[];
  readonly entries: SeenTree["entries"];
  readonly identities: readonly (Identity | undefined)[];
};

/**
 * Hashes root's files that an image may have at another path: an update then moves their contents instead of fetching them. Only files
 * as large as a content that the image has and the scan did not find at its path; none if the tree is like the image.
 */
export function hashMoved(context: Pick<SubContext, "root" | "alive">, seen: SeenFiles, image: Tree): void {
  const { inodes, entries, identities } = seen;
  const sizes = missingSizes(seen, image);
  if (sizes.size === 0) return;
  for (const [path, number] of entries) {
    const inode = inodes[number];
    if (inode?.kind !== "regular" || inode.sha512 !== "" || inode.uid !== 0 || !sizes.has(inode.size)) continue;
    const sha512 = hashSame(context, path, { identity: identities[number], size: inode.size });
    inodes[number] = { ...inode, sha512 };
  }
}

/** The sizes of the contents of the image that no inode has. */
function missingSizes({ inodes }: Pick<SeenFiles, "inodes">, image: Tree): ReadonlySet<number> {
  const found = new Set(inodes.map((inode) => (inode.kind === "regular" ? inode.sha512 : "")));
  return new Set(
    image.inodes.flatMap((inode) =>
      inode.kind === "regular" && inode.size > 0 && !found.has(inode.sha512) ? [inode.size] : [],
    ),
  );
}

/** The hash of the file that the scan saw at a path; empty if another one is there now, or if it cannot be read. */
function hashSame(
  { root, alive }: Pick<SubContext, "root" | "alive">,
  path: string,
  seen: { readonly identity: Identity | undefined; readonly size: number },
): string {
  try {
    return atPlace(root, path, (place) => {
      const stat = statOf(place, path);
      if (!isSame(stat, seen.identity) || stat.size !== seen.size) return "";
      return withDescriptor(`read ${path}`, host.reopen(place), (fd) => hashDescriptor(fd, seen.size, alive));
    });
  } catch (error) {
    if (!isOfPath(error)) throw error;
    return "";
  }
}
