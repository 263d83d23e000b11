import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { type PendingAct, pendingAct, pendingActBytes } from "../../contract/pending-act.ts";
import { faultMessages, faultsOf } from "../../contract/shape-faults.ts";
import type { Log, Store } from "../../core/ports.ts";
import { isAbandoned, isOfEarlierBoot } from "../../dominator/storage/draft-owner.ts";
import { finishedEnding } from "./leave-act.ts";

/** Between two looks for acts. */
const lookMs = 5_000;
/** Files that are read in one look. */
const actsAtOnce = 1000;

/** What a server takes acts with. */
export type TakeActs = {
  readonly directory: string;
  readonly store: Pick<Store, "recordAct" | "audit">;
  readonly log: Log;
};

/** The acts that other processes leave in a state directory (leave-act.ts), written into the audit by its server. */
export type ActTaker = AsyncDisposable & {
  /** Resolves when all that was left before is in the audit; never rejects. */
  readonly look: () => Promise<void>;
};

/** Takes the acts that are there, and from now on those that come. */
export async function openActTaker(given: TakeActs): Promise<ActTaker> {
  await mkdir(given.directory, { recursive: true, mode: 0o700 });
  const settled = new Set<string>();
  let looking = Promise.resolve();
  const look = () => {
    // One after the other: two looks at once would write an act twice.
    looking = looking
      .then(() => takeActs(given, settled))
      .catch((cause: unknown) =>
        given.log("error", "writing acts into the audit failed; it is tried again", { cause }),
      );
    return looking;
  };
  await look();
  const timer = setInterval(look, lookMs).unref();
  return {
    look,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}

async function takeActs({ directory, store, log }: TakeActs, settled: Set<string>): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(finishedEnding) && !settled.has(name));
  for (const name of names.sort().slice(0, actsAtOnce)) {
    const isDraft = name.startsWith("pid-");
    // Its process goes on, or is in another container.
    if (isDraft && !isAbandoned(name) && !isOfEarlierBoot(name)) continue;
    const path = join(directory, name);
    const read = await readAct(path);
    if (read.kind === "unreadable") {
      log("error", "an act in the state directory cannot be read, and is missing in the audit", {
        path,
        why: read.why,
      });
      settled.add(name);
      continue;
    }
    if (read.kind === "act") await record(store, read.act, isDraft);
    // Where the file cannot be removed, it is not read again; the audit has it once, also after a restart.
    await rm(path, { force: true }).catch(() => settled.add(name));
  }
}

async function record(store: TakeActs["store"], act: PendingAct, isInterrupted: boolean): Promise<void> {
  const { id, action, subject, by, atMs, reason, facts } = act;
  const [known] = await store.audit({ request: id, limit: 1 });
  if (known !== undefined) return;
  await store.recordAct({
    ...{ action, subject, by, atMs },
    facts: isInterrupted ? { ...facts, interrupted: true } : facts,
    request: { id, from: "local", ...(reason === undefined ? {} : { reason }) },
  });
}

type ReadAct =
  | { readonly kind: "act"; readonly act: PendingAct }
  | { readonly kind: "unreadable"; readonly why: string }
  | { readonly kind: "gone" };

async function readAct(path: string): Promise<ReadAct> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return { kind: "gone" };
  if (!found.isFile() || found.size > pendingActBytes)
    return { kind: "unreadable", why: `expected a file of at most ${pendingActBytes} bytes, found ${found.size}` };
  try {
    const text = await readFile(path, "utf8");
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), pendingAct), text, faultMessages);
    return read.success ? { kind: "act", act: read.output } : { kind: "unreadable", why: faultsOf(read.issues, "act") };
  } catch (cause) {
    return { kind: "unreadable", why: cause instanceof Error ? cause.message : String(cause) };
  }
}
