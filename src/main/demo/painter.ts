import type { WriteStream } from "node:tty";
import { type Picture, pictureLines, rowsOf } from "./view.ts";

/** Redraws a table in place (terminal), or prints single lines (pipe, log file). */
export type Painter = Disposable & {
  /** Redraws the table; does nothing without a terminal. */
  readonly draw: (picture: Picture) => void;
  /** Prints a line that stays, above the table. */
  readonly say: (line: string) => void;
  /** Prints a line about a change that the table shows on a terminal; does nothing on a terminal. */
  readonly note: (line: string) => void;
};

const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const eraseToEndOfLine = "\x1b[K";
const eraseToEndOfScreen = "\x1b[J";

/** Opens a painter on a stream. Use standard error: standard output is reserved for the JSON. */
export function openPainter(stream: NodeJS.WriteStream | WriteStream, environment: NodeJS.ProcessEnv): Painter {
  if (!stream.isTTY) {
    const say = (line: string) => void stream.write(`${line}\n`);
    return { draw: () => {}, say, note: say, [Symbol.dispose]: () => {} };
  }
  const color = environment.NO_COLOR === undefined && environment.TERM !== "dumb";
  let drawn: readonly string[] = [];
  const home = () => (drawn.length === 0 ? "" : `\x1b[${rowsOf(drawn, stream.columns)}A\r`);
  // What follows the text of a row is erased before the text: after a full row the cursor still stands on its last character.
  const put = (lines: readonly string[]) =>
    lines.map((line) => `${eraseToEndOfLine}${line}${isFull(line) ? "" : eraseToEndOfLine}\n`).join("");
  const isFull = (line: string) => line.length > 0 && line.length % stream.columns === 0;
  return {
    draw: (picture) => {
      const lines = pictureLines(picture, { columns: stream.columns, lines: stream.rows, color });
      // One write, because a terminal that shows half of it flickers.
      stream.write(`${hideCursor}${home()}${put(lines)}${eraseToEndOfScreen}`);
      drawn = lines;
    },
    say: (line) => {
      stream.write(`${home()}${put([line, ...drawn])}${eraseToEndOfScreen}`);
    },
    note: () => {},
    [Symbol.dispose]: () => {
      stream.write(showCursor);
    },
  };
}
