import type { Machine, MachineId } from "../core/machine/record.ts";
import type { PastChange } from "../core/ports.ts";
import type { Lesson } from "../core/pxe/local-boot-lesson.ts";

/** One change to be written down: the new record, what brought it about, and the records that ceased to exist by it. */
export type Entry = PastChange & { readonly machine: Machine; readonly absorbed: readonly MachineId[] };

/**
 * Where the MDB keeps what must survive: the part that differs between databases. `commit` is one transaction: all
 * entries or none, durable when it returns. The Store above it decides, caches and tells; a ledger only writes down.
 */
export type Ledger = AsyncDisposable & {
  readonly load: () => Promise<Machine[]>;
  readonly commit: (entries: readonly Entry[]) => Promise<void>;
  /** The last changes of a machine, newest last. */
  readonly history: (id: MachineId, limit: number) => Promise<readonly PastChange[]>;
  readonly loadLessons: () => Promise<Lesson[]>;
  /** In the place of the one on the same model and stage; durable when it returns. */
  readonly saveLesson: (lesson: Lesson) => Promise<void>;
};

/** Changes kept per machine: some forty births. */
export const historyLimit = 1000;
