import * as host from "host";
import { makeDirectories, removeTree } from "../../beneath/files.ts";
import { atEntry, type DirectoryEntry, withDescriptor } from "../../beneath/place.ts";
import { agentPaths } from "../paths.ts";

/** Where new files are made before they are moved into place: directories of their file system that only root changes. */
export type Drafts = {
  /** Does some work with the free name of a draft for a path, and removes what is left there after it. */
  readonly at: (path: string, work: (entry: DirectoryEntry) => void) => void;
  /** The path of a draft, below the root. */
  readonly pathFor: (path: string) => string;
  /** Whether the path is on another file system than the object cache. */
  readonly isElsewhere: (path: string) => boolean;
};

const bootDraft = `${agentPaths.boot}/.birther-draft`;
const rootDraft = `${agentPaths.drafts}/place`;

/** The drafts below a root. */
export function drafts(root: string): Drafts {
  const isElsewhere = (path: string) => path.startsWith(`${agentPaths.boot}/`);
  const pathFor = (path: string) => (isElsewhere(path) ? bootDraft : rootDraft);
  return {
    isElsewhere,
    pathFor,
    at: (path, work) => {
      const draft = pathFor(path);
      if (draft === rootDraft) makeDirectories(root, agentPaths.drafts, 0o700);
      removeTree(root, draft);
      atEntry(root, draft, (entry) => {
        try {
          work(entry);
        } finally {
          const left = host.openBeneath(entry.directory, entry.name, "place");
          if (left >= 0) withDescriptor("open a draft", left, () => removeTree(root, draft));
        }
      });
    },
  };
}
