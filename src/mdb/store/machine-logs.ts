import type { MachineId } from "../../core/machine/record.ts";

const linesKept = 1000;
const charactersKept = 500;

/** The last lines that each machine sent, kept in memory only. */
export type MachineLogs = ReturnType<typeof machineLogs>;
export function machineLogs() {
  const logs = new Map<MachineId, string[]>();
  return {
    add: (id: MachineId, lines: readonly string[]) => {
      const kept = logs.get(id) ?? [];
      for (const line of lines.slice(-linesKept)) kept.push(line.slice(0, charactersKept));
      if (kept.length > linesKept) kept.splice(0, kept.length - linesKept);
      logs.set(id, kept);
    },
    of: (id: MachineId): readonly string[] => logs.get(id) ?? [],
    forget: (id: MachineId) => {
      logs.delete(id);
    },
  };
}
