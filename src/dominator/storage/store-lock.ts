import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const flock = libc.func("int flock(int, int)");

/** Operations of flock(2), and its error for a lock that another holds. */
const operation = { shared: 1, exclusive: 2, now: 4 } as const;
const wouldBlock = 11;

/** Between two tries for a lock. */
const tryMs = 100;

/** How a lock is waited for. */
export type LockWait = {
  readonly signal?: AbortSignal | undefined;
  /** Called once if a collection is under way. */
  readonly onWait?: (() => void) | undefined;
};

/**
 * Holds that nothing is removed from the object store of a directory, until it is disposed: by everything that stores contents, or
 * relies on contents that are there, before an image or a list of kept objects names them. Waits for a collection to end. The kernel
 * releases the lock of a process that is killed.
 */
export async function holdContents(directory: string, { signal, onWait }: LockWait = {}): Promise<Disposable> {
  for (let tries = 0; ; tries += 1) {
    const lock = lockNow(directory, operation.shared);
    if (lock !== undefined) return lock;
    if (tries === 1) onWait?.();
    await wait(tryMs, undefined, { signal });
  }
}

/** Keeps everything away that `holdContents` protects; undefined if there is such a thing. */
export function holdAlone(directory: string): Disposable | undefined {
  return lockNow(directory, operation.exclusive);
}

function lockNow(directory: string, kind: number): Disposable | undefined {
  mkdirSync(directory, { recursive: true });
  const file = openSync(join(directory, "lock"), "a", 0o600);
  if (flock(file, kind | operation.now) === 0) return { [Symbol.dispose]: () => closeSync(file) };
  const errno = koffi.errno();
  closeSync(file);
  if (errno === wouldBlock) return undefined;
  throw new Error(`locking the object store ${directory} failed: flock, errno ${errno}`);
}
