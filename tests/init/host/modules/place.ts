import type * as Native from "host";
import { typeBits } from "../storage/inode.ts";
import * as beneath from "./beneath.ts";
import { close } from "./os.ts";

/** A failed call, with what it returned. */
class Refused extends Error {
  readonly result: number;
  constructor(result: number) {
    super(`call refused: ${result}`);
    this.result = result;
  }
}

function demand(result: number): number {
  if (result < 0) throw new Refused(result);
  return result;
}

const { ENOENT, EEXIST } = { ENOENT: 2, EEXIST: 17 } as const;

/** The function of host-place.c, on the fake host: a power cut can come before each of its calls. */
export const placeObject: typeof Native.placeObject = (root, object, path, facts) => {
  const opened: number[] = [];
  try {
    return place({ root, object, path }, new Float64Array(facts), (fd) => {
      opened.push(demand(fd));
      return fd;
    });
  } catch (error) {
    if (error instanceof Refused) return error.result;
    throw error;
  } finally {
    for (const fd of opened) close(fd);
  }
};

function place(
  { root, object, path }: { readonly root: string; readonly object: string; readonly path: string },
  facts: Float64Array,
  open: (fd: number) => number,
): number {
  const [uid = 0, gid = 0, mode = 0, mtimeMs = 0, dropsAttributes, isSeen, ...seen] = facts;
  const top = open(beneath.openRoot(root));
  const enter = (whole: string) => {
    const slash = whole.lastIndexOf("/");
    const directory = slash < 0 ? top : open(beneath.openBeneath(top, whole.slice(0, slash), "place"));
    return { directory, name: whole.slice(slash + 1) };
  };
  const [from, to] = [enter(object), enter(path)];
  const file = open(beneath.openBeneath(from.directory, from.name, "place"));
  demand(beneath.setOwner(file, uid, gid));
  demand(beneath.setMode(file, mode & 0o7777));
  if (dropsAttributes === 1) demand(beneath.keepAttributes(file, new ArrayBuffer(0)));
  demand(beneath.setModified(file, mtimeMs));
  const { dev, ino } = statOf(file);
  const old = beneath.openBeneath(to.directory, to.name, "place");
  if (old !== -ENOENT || isSeen === 1) disarm(open(old), isSeen === 1 ? seen : []);
  demand(beneath.renameAt(from.directory, from.name, to.directory, to.name, isSeen === 1));
  facts.set([dev, ino], facts.length - 2);
  return 0;
}

function disarm(fd: number, [dev, ino, type, takesRights]: readonly number[]): void {
  const old = statOf(fd);
  if (old.dev !== dev || old.ino !== ino || (old.mode & typeBits.mask) !== type) throw new Refused(-EEXIST);
  if (takesRights === 1 && type === typeBits.regular) demand(beneath.dropRights(fd));
}

function statOf(fd: number): Native.FileStat {
  const stat = beneath.statOf(fd);
  if (typeof stat === "number") throw new Refused(stat);
  return stat;
}
