import { type LogLine, lineCharacters } from "../../core/machine/log-line.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { heapShare } from "../heap-share.ts";

/** The limits of the lines of one machine, and of all machines together. */
export type LogLimits = {
  readonly lines: number;
  readonly lineCharacters: number;
  /** Of the whole fleet; two bytes each at most. */
  readonly totalCharacters: number;
};

/** Of mostly ASCII text for the whole fleet: 64 MiB, or less where the server has little memory. */
const usualLimits: LogLimits = {
  ...{ lines: 1000, lineCharacters },
  totalCharacters: Math.min(64 << 20, heapShare(16)),
};

/** Of unverified lines: the kernel's latest 200 and init's of one or two boots; 16 MiB for the whole fleet. */
export const earlyLimits: LogLimits = {
  ...{ lines: 400, lineCharacters },
  totalCharacters: Math.min(16 << 20, heapShare(64)),
};

/** The latest lines of each machine, in memory. */
export type MachineLogs = {
  readonly add: (id: MachineId, lines: readonly LogLine[]) => void;
  readonly of: (id: MachineId) => readonly LogLine[];
  readonly forget: (id: MachineId) => void;
};

type Kept = { readonly lines: LogLine[]; characters: number };

/** No lines yet. When all are too many, the machine that has been silent for longest loses its lines. */
export function machineLogs(limits: LogLimits = usualLimits): MachineLogs {
  /** The machine that sent last comes last. */
  const logs = new Map<MachineId, Kept>();
  let total = 0;

  function forget(id: MachineId): void {
    total -= logs.get(id)?.characters ?? 0;
    logs.delete(id);
  }
  function append(kept: Kept, line: LogLine): void {
    kept.lines.push(line);
    kept.characters += line.text.length;
    total += line.text.length;
  }
  function shorten(kept: Kept): void {
    const surplus = kept.lines.splice(0, Math.max(0, kept.lines.length - limits.lines));
    for (const {
      text: { length },
    } of surplus) {
      kept.characters -= length;
      total -= length;
    }
  }

  return {
    add: (id, lines) => {
      const kept = logs.get(id) ?? { lines: [], characters: 0 };
      logs.delete(id);
      logs.set(id, kept);
      for (const line of lines.slice(-limits.lines))
        append(kept, { ...line, text: shortLine(line.text, limits.lineCharacters) });
      shorten(kept);
      for (const [longestSilent] of logs) {
        if (total <= limits.totalCharacters || longestSilent === id) return;
        forget(longestSilent);
      }
    },
    of: (id) => logs.get(id)?.lines ?? [],
    forget,
  };
}

/** A copy: a slice would keep the whole line in memory. */
function shortLine(line: string, limit: number): string {
  return line.length <= limit ? line : Buffer.from(line.slice(0, limit)).toString();
}
