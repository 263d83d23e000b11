import type { Machine, MachineId } from "../../core/machine/record.ts";
import {
  currentProgress,
  type NotedProgress,
  plainProgress,
  type WorkProgress,
} from "../../core/machine/work-progress.ts";
import type { Clock } from "../../core/ports.ts";

/** How far machines are with their work: in memory only, because it is worth nothing a minute later. One note per machine. */
export type ProgressNotes = {
  readonly note: (id: MachineId, progress: WorkProgress) => void;
  readonly of: (machine: Machine) => NotedProgress | undefined;
  readonly watch: (listener: (id: MachineId) => void) => () => void;
  readonly forget: (id: MachineId) => void;
};

export function progressNotes({ nowMs }: Pick<Clock, "nowMs">): ProgressNotes {
  const notes = new Map<MachineId, NotedProgress>();
  const listeners = new Set<(id: MachineId) => void>();
  return {
    note: (id, progress) => {
      notes.set(id, { ...plainProgress(progress), atMs: nowMs() });
      for (const listener of listeners) listener(id);
    },
    of: (machine) => currentProgress(machine, notes.get(machine.id)),
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    forget: (id) => notes.delete(id),
  };
}
