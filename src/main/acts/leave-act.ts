import { randomBytes } from "node:crypto";
import { chown, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PendingAct } from "../../contract/pending-act.ts";
import { draftOwner } from "../../dominator/storage/draft-owner.ts";
import { syncDirectory } from "../../mdb/sync-directory.ts";
import { pathsIn } from "../paths.ts";
import { localCaller } from "./local-caller.ts";

/** What an act is, as far as it is known. */
export type ActText = Pick<PendingAct, "action" | "subject" | "facts">;

/** Ends the name of each file of an act that is finished. */
export const finishedEnding = ".json";

/**
 * Carries out an act on the files of a state directory, and leaves it for the audit (take-acts.ts). A file that says what is
 * being done is on the disk before `work` begins, so that also an act that a power cut interrupts gets into the audit; `describe`
 * says what was done, or undefined if nothing was. Nothing is left of an act that throws.
 */
export async function leaveAct<T>(
  stateDirectory: string,
  { reason, ...begun }: ActText & { readonly reason?: string | undefined },
  { work, describe }: { readonly work: () => Promise<T>; readonly describe: (done: T) => ActText | undefined },
): Promise<T> {
  const directory = pathsIn(stateDirectory).acts;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await giveToOwner(directory);
  const id = randomBytes(8).toString("hex");
  const draft = join(directory, `${draftOwner()}${id}${finishedEnding}`);
  const known = { id, by: localCaller(), atMs: Date.now(), ...(reason === undefined ? {} : { reason }) };
  try {
    await writeDurably(draft, { ...known, ...begun });
    const done = await work();
    const text = describe(done);
    if (text !== undefined) {
      const atMs = Date.now();
      await writeDurably(draft, { ...known, ...text, atMs });
      // In the order of their names they are in the order of their times.
      await rename(draft, join(directory, `${atMs}-${id}${finishedEnding}`));
      syncDirectory(directory);
    }
    return done;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDurably(path: string, act: PendingAct): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(act));
    await file.sync();
  } finally {
    await file.close();
  }
  await giveToOwner(path);
  syncDirectory(dirname(path));
}

/** A file that root makes in the state directory of another user is that user's: its server removes it. */
async function giveToOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dirname(path));
  if (uid !== 0) await chown(path, uid, gid);
}
