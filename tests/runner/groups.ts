import type { Suite } from "../suites.ts";
import type { ChosenSuite } from "./choose.ts";

/** Chosen suites that run together, in the order of the list: neighbours with the same `group`; a suite without one is alone. */
export function groupsOf(chosen: readonly ChosenSuite[]): readonly (readonly ChosenSuite[])[] {
  const groups: ChosenSuite[][] = [];
  for (const each of chosen) {
    const last = groups.at(-1);
    const before = last?.at(-1)?.suite.group;
    if (last !== undefined && before !== undefined && before === each.suite.group) last.push(each);
    else groups.push([each]);
  }
  return groups;
}

/** Longest first: a long file that begins last would keep one processor busy and the others idle. */
export function longestFirst<T extends { readonly suite: Suite; readonly files: readonly string[] }>(
  processes: readonly T[],
): readonly T[] {
  return processes.toSorted((a, b) => minutesOf(b) - minutesOf(a));
}

/** Minutes that the files of a process take, as far as the table of suites knows them. */
function minutesOf({ suite, files }: { readonly suite: Suite; readonly files: readonly string[] }): number {
  const { minutes = {} } = suite.run.kind === "files" ? suite.run : {};
  return files.reduce((sum, file) => sum + (minutes[file] ?? 0), 0);
}
