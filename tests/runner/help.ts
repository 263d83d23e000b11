import type { Suite } from "../suites.ts";

/** `./test --help`. */
export const usage = `./test [SUITE…] [PATH…] [-g NAME] [--watch]
./test --fresh [SUITE…] | --fresh -- COMMAND…

  ./test                      every suite but those marked * in the list
  ./test unit                 one suite, or several
  ./test dhcp/reply           the test files with this in their path, of any suite
  ./test unit -g lease        the tests whose names match this regular expression
  ./test unit --watch         again after every change of a file in src or tests
  ./test --list               the suites: what each tests, and how long it takes on 2 cores
  ./test --fresh check unit   the same on a new Debian 12, made for this run (needs root)
  ./test --fresh -- COMMAND   a command there, such as ./birther demo --once

Installs the Debian packages that the chosen suites need, once, at the start (needs root).
TEST_SEED=N repeats what was random in a run: the first line of each run names its seed.
The last line is "N passed, N failed"; the exit status is 0 only if nothing failed.`;

/** `./test --list`: a line a suite. */
export function listOf(suites: readonly Suite[]): string {
  const lines = suites.map(
    ({ name, onlyWhenNamed, cost, about }) =>
      `${name.padEnd(14)}${onlyWhenNamed ? "* " : "  "}${cost.padEnd(8)}${about}`,
  );
  return [...lines, "", "* only when named"].join("\n");
}
