import { describeFigure, figureNumber, figureWords } from "../burn-in/figure-text.ts";
import type { Suspect } from "./record.ts";

/** A suspect in words: `disk of /dev/sda (PM9A3): write 12 MiB/s; 39 machines of this model have 900 to 906 MiB/s, median 903`. */
export function describeSuspect({ test, subject, figure, value, machines, median, least, most }: Suspect): string {
  const { unit } = figureWords(figure);
  const range = `${figureNumber(least)} to ${figureNumber(most)}${unit === "" ? "" : ` ${unit}`}`;
  return (
    `${test} of ${subject}: ${describeFigure(figure, value)}; ` +
    `${machines} machines of this model have ${range}, median ${figureNumber(median)}`
  );
}
