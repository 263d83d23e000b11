import { globSync, readFileSync } from "node:fs";
import type { Suite } from "../suites.ts";
import { type Choice, unknownWord } from "./command-line.ts";

/** A suite and those of its files that are to run; a suite of commands has none. */
export type ChosenSuite = { readonly suite: Suite; readonly files: readonly string[] };

/** What is to run, or the refusal of a word that chooses nothing. */
export type Chosen =
  | { readonly kind: "chosen"; readonly suites: readonly ChosenSuite[] }
  | { readonly kind: "nothing"; readonly text: string };

/** The paths of a suite's test files, in order. */
export function filesOf(suite: Suite): readonly string[] {
  if (suite.run.kind === "commands") return [];
  const { globs, containing } = suite.run;
  const files = globs.flatMap((pattern) => globSync(pattern)).sort();
  return containing === undefined ? files : files.filter((file) => containing.test(readFileSync(file, "utf8")));
}

/**
 * Without a word: every suite but those that only run when named. Paths choose among the files of the named suites, or of
 * all suites.
 */
export function choose({ suites: names, paths, name }: Choice, suites: readonly Suite[]): Chosen {
  const isAsked = (suite: Suite) =>
    names.length > 0 ? names.includes(suite.name) : paths.length > 0 || suite.onlyWhenNamed !== true;
  const asked = suites.filter(isAsked).map((suite) => ({ suite, files: filesOf(suite) }));
  const holds = (path: string) => (file: string) => file.includes(path.replace(/^\.\//, ""));
  for (const path of paths) {
    if (asked.some(({ files }) => files.some(holds(path)))) continue;
    const where = names.length > 0 ? `, which ${names.join(", ")} does not have` : "";
    const suiteNames = suites.map((suite) => suite.name);
    return { kind: "nothing", text: unknownWord(path, suiteNames, where) };
  }
  const narrow = paths.length > 0 || name !== undefined;
  const chosen = asked
    .map(({ suite, files }) => ({
      suite,
      files: paths.length === 0 ? files : files.filter((file) => paths.some((path) => holds(path)(file))),
    }))
    .filter(({ files }) => !narrow || files.length > 0);
  if (chosen.length > 0) return { kind: "chosen", suites: chosen };
  return {
    kind: "nothing",
    text: `./test: ${names.join(", ")}: expected a suite with test files, found only commands`,
  };
}
