import { stripVTControlCharacters } from "node:util";
import type { Phase } from "../../core/machine/phase.ts";
import { phases } from "../../core/machine/phase.ts";
import type { Machine } from "../../core/machine/record.ts";

/** What the view shows of one machine; all of it comes from its record or from the virtual rack. */
export type MachineRow = {
  /** Its hostname once it has one; until then its name in the rack. */
  readonly name: string;
  readonly firmware: string;
  readonly state: string;
  readonly phase: Phase | undefined;
  /** Seconds since it entered that phase. */
  readonly phaseSeconds: number;
  /** One line: its current activity, or its problem. */
  readonly latest: string;
  readonly mood: "working" | "up" | "failing";
};

/** The whole table; `columns` and `lines` are the terminal's size. */
export type Picture = {
  readonly title: string;
  readonly seconds: number;
  readonly rows: readonly MachineRow[];
  /** Lines below the table, e.g. the commands to try. */
  readonly footer: readonly string[];
};

export type Screen = { readonly columns: number; readonly lines: number; readonly color: boolean };

const nameColumns = 12;
const styles = { green: 32, yellow: 33, red: 31, cyan: 36, dim: 2, bold: 1 } as const;
type Style = keyof typeof styles;

/** What the demo calls each phase. */
export const phaseText: { readonly [P in Phase]: string } = {
  offered: "requests an address",
  loaderSent: "loader sent",
  kernelSent: "kernel sent",
  initUp: "init running",
  burnIn: "burn-in",
  placed: "placed in the rack",
  keysMade: "new disk keys",
  partitioned: "partitioned",
  populated: "base installed",
  handedOver: "handed over",
  fetching: "fetching image",
  updating: "updating",
  rebooting: "rebooting",
  up: "up",
};

/**
 * The table as lines of at most `columns` characters: for each machine a bar of all phases and, if the screen has room,
 * its activity below. One line counts the machines that do not fit. A link is never cut: the terminal wraps it, so that it can
 * be copied as one.
 */
export function pictureLines(picture: Picture, screen: Screen): readonly string[] {
  const paint = (style: Style, text: string) => (screen.color ? `\x1b[${styles[style]}m${text}\x1b[0m` : text);
  const width = screen.columns - 1;
  // A narrow window has room for text or for a bar, not for both.
  const hasBar = width >= 60;
  const clock = duration(picture.seconds);
  const header = `${fit(picture.title, width - clock.length - 2)}  ${clock}`;
  const footer = picture.footer.map((line) => (isLink(line) ? line : fit(line, width).trimEnd()));
  const below = footer.length === 0 ? [] : ["", ...footer];
  const spare = screen.lines - 3 - rowsOf(below, screen.columns);
  const tall = picture.rows.length * 2 <= spare;
  const shown = picture.rows.slice(0, Math.max(1, tall ? picture.rows.length : spare - 1));
  const body = shown.flatMap((row) => {
    const color: Style = row.mood === "failing" ? "red" : row.mood === "up" ? "green" : "cyan";
    const where = row.phase === undefined ? "waiting for its firmware" : phaseText[row.phase];
    const since = row.mood === "up" ? "" : `  ${duration(row.phaseSeconds)}`;
    const plain = `  ${fit(row.name, nameColumns)} ${fit(row.firmware, 4)}  ${fit(row.state, 8)} `;
    const rest = fit(`${where}${since}`, Math.max(0, width - plain.length - (hasBar ? phases.length + 2 : 1)));
    const first = `${plain} ${hasBar ? `${bar(row, paint, color)} ` : ""}${paint(row.mood === "working" ? "bold" : color, rest)}`;
    if (!tall) return [first.trimEnd()];
    const second = `  ${" ".repeat(nameColumns)} ${row.latest}`;
    return [first.trimEnd(), paint(row.mood === "failing" ? "red" : "dim", fit(second, width).trimEnd())];
  });
  const hidden = picture.rows.length - shown.length;
  return [
    paint("bold", header),
    "",
    ...body,
    ...(hidden > 0 ? [paint("dim", `  … and ${hidden} more`)] : []),
    ...below,
  ];
}

const isLink = (line: string) => /^https?:\/\/\S+$/.test(line);

/** How many rows of a terminal lines take: more than one if they are longer than a row. */
export function rowsOf(lines: readonly string[], columns: number): number {
  const rows = lines.map((line) => Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns)));
  return rows.reduce((sum, each) => sum + each, 0);
}

/** One cell per phase: heavy as far as the machine has come. */
function bar(row: MachineRow, paint: (style: Style, text: string) => string, color: Style): string {
  const reached = row.phase === undefined ? 0 : phases.indexOf(row.phase) + 1;
  return paint(color, "━".repeat(reached)) + paint("dim", "╌".repeat(phases.length - reached));
}

/** `42 s` or `3 min 05 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Text in exactly `columns` columns: padded, or cut with an ellipsis, without control characters. */
export function fit(text: string, columns: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a reason may hold any of them, from a machine's console
  const clean = [...text.replace(/[\x00-\x1f\x7f]+/g, " ")];
  if (clean.length <= columns) return clean.join("") + " ".repeat(columns - clean.length);
  return columns <= 0 ? "" : `${clean.slice(0, columns - 1).join("")}…`;
}

/** The row of a machine: its record once the MDB knows it. */
export function machineRow(
  rack: { readonly name: string; readonly firmware: string; readonly poweredOnAtMs: number },
  machine: Machine | undefined,
  { latest, nowMs }: { readonly latest: string; readonly nowMs: number },
): MachineRow {
  const { name, firmware } = rack;
  if (machine === undefined) {
    const phaseSeconds = (nowMs - rack.poweredOnAtMs) / 1000;
    return { name, firmware, state: "", phase: undefined, phaseSeconds, latest, mood: "working" };
  }
  const trouble = machine.conditions.find(
    (each) => each.kind === "failing" || each.kind === "conflict" || each.kind === "hold",
  );
  const isUp = machine.state === "healthy" && machine.phase === "up";
  return {
    name: machine.hostname ?? machine.placement?.hostname ?? name,
    firmware,
    state: machine.state,
    phase: machine.phase,
    phaseSeconds: (nowMs - (machine.phaseAtMs ?? machine.createdAtMs)) / 1000,
    latest: trouble === undefined || isUp ? latest : `${trouble.kind}: ${trouble.reason}`,
    mood: isUp ? "up" : trouble === undefined ? "working" : "failing",
  };
}
