import { plainText } from "../bytes/plain-text.ts";

/** A line that a machine or the server said of it. */
export type LogLine = {
  /** When the server heard it; lines of one report have one time, and those of the next report a later one. */
  readonly atMs: number;
  /** The start of the machine's boot id; absent if it is not known. */
  readonly boot?: string;
  readonly text: string;
  /** In answers of the API: the number of a line that came by UDP, and whose sender nobody has verified. */
  readonly unverified?: number;
};

/** Characters of a kept line: of a longer one, the beginning. */
export const lineCharacters = 500;

/** The part of a boot id (a UUID) that tells the boots of a machine apart. */
export function shortBootId(bootId: string): string | undefined {
  return /^[0-9a-f]{8}/i.exec(bootId)?.[0].toLowerCase();
}

/** Lines as they are kept in a file: one line each, whatever a machine says. */
export function writeLogLines(lines: readonly LogLine[]): string {
  return lines
    .map(({ atMs, boot = "-", text }) => `${atMs} ${boot} ${plainText(text.slice(0, lineCharacters))}\n`)
    .join("");
}

/** The lines of a file; what a power cut or a full disk left incomplete is passed over. */
export function readLogLines(content: string): LogLine[] {
  const whole = content.slice(0, content.lastIndexOf("\n") + 1);
  return whole.split("\n").flatMap((line): LogLine[] => {
    const [, at, boot, text] = /^(\d{1,15}) (-|[0-9a-f]{8}) (.*)$/.exec(line) ?? [];
    if (at === undefined || text === undefined || text.includes("\0")) return [];
    return [{ atMs: Number(at), ...(boot === undefined || boot === "-" ? {} : { boot }), text }];
  });
}

/** The lines of one boot; those before the first boot that is known have no boot id. */
export type LogBoot = { readonly boot?: string; readonly lines: readonly LogLine[] };

/** Lines from two sources by their times; those of one source stay in its order. */
export function linesByTime(one: readonly LogLine[], other: readonly LogLine[]): readonly LogLine[] {
  return other.length === 0 ? one : [...one, ...other].sort((a, b) => a.atMs - b.atMs);
}

/** Lines by boot, oldest first; a line without a boot id belongs to the boot before it. */
export function bootsOf(lines: readonly LogLine[]): LogBoot[] {
  const boots: { boot?: string; lines: LogLine[] }[] = [];
  for (const line of lines) {
    const last = boots[boots.length - 1];
    if (last === undefined || (line.boot !== undefined && line.boot !== last.boot)) {
      boots.push({ ...(line.boot === undefined ? {} : { boot: line.boot }), lines: [line] });
    } else last.lines.push(line);
  }
  return boots;
}

/**
 * The boot with a number, counted as `journalctl --boot` does: 1 is the oldest of which lines are kept, 0 the latest, -1 the one
 * before it.
 */
export function bootNumbered(boots: readonly LogBoot[], number: number): LogBoot | undefined {
  return boots[number > 0 ? number - 1 : boots.length - 1 + number];
}
