import type { Suspect } from "./record.ts";

/** A suspect in words: `disk of /dev/sda (PM9A3): writeMiBps 12; 39 machines of this model have …`. */
export function describeSuspect({ test, subject, figure, value, machines, median, least, most }: Suspect): string {
  return `${test} of ${subject}: ${figure} ${Math.round(value)}; ${machines} machines of this model have ${Math.round(least)} to ${Math.round(most)}, median ${Math.round(median)}`;
}
