import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";
import { type Shell, shells } from "../../src/cli/completion/scripts.ts";
import { badNightOfSuite } from "../support/bad-night.ts";
import { birther } from "./birther-command.ts";

/** A computer that is busy with other tests does not answer as fast as an operator wants it. */
const unhurried = { BIRTHER_COMPLETION_SECONDS: "60" };
const root = join(import.meta.dirname, "../..");

describe("shells complete command lines with a server's names", () => {
  const state = badNightOfSuite();
  const parent = dirname(state);
  const scriptOf = (shell: Shell) => join(parent, `completion.${shell}`);
  before(async () => {
    for (const shell of shells) writeFileSync(scriptOf(shell), (await birther("completion", shell)).out);
  });

  /** What a shell would offer for the last word; it has read our script, and runs the command that is in its path. */
  const programs: { readonly [shell in Shell]: (script: string, words: readonly string[]) => readonly string[] } = {
    bash: (script, words) => [
      ...["bash", "--norc", "-c"],
      `source ${script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _birther; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ...["bash", ...words],
    ],
    // compadd is only there while a line is edited; here it prints the array that it is given.
    zsh: (script, words) => [
      ...["zsh", "-f", "-c"],
      `compdef() { }; _files() { print files }; compadd() { print -l -- \${(P)2} }; source ${script}; words=("$@"); CURRENT=$#; _birther`,
      ...["zsh", ...words],
    ],
    fish: (script, words) => ["fish", "--no-config", "-c", `source ${script}; complete -C '${words.join(" ")}'`],
  };
  const offered = async (shell: Shell, ...words: string[]) => {
    const [program = "", ...rest] = programs[shell](scriptOf(shell), ["birther", ...words]);
    const env = {
      ...process.env,
      HOME: parent,
      BIRTHER_STATE: state,
      ...unhurried,
      PATH: [root, process.env.PATH].join(delimiter),
    };
    const { stdout } = await promisify(execFile)(program, rest, { env, cwd: parent });
    return stdout.split("\n").filter((line) => line !== "");
  };

  for (const shell of shells)
    test(`${shell}: verbs, options, choices and machines`, async () => {
      assert.deepEqual(await offered(shell, "fail"), ["failures"]);
      assert.deepEqual(await offered(shell, "image", "gc", "--dry"), ["--dry-run"]);
      assert.deepEqual(await offered(shell, "machines", "-o", "cs"), ["csv"]);
      assert.deepEqual(
        await offered(shell, "show", "r17u0"),
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map((unit) => `r17u0${unit}`),
      );
      assert.deepEqual((await offered(shell, "hold", "r01u01", "r01u4")).sort(), ["r01u40"]);
    });

  test("without a server nothing is offered, and nothing is said", async () => {
    const { status, out, err } = await birther("complete", "--", "show", "r");
    assert.deepEqual([status, out, err], [0, "", ""]);
  });
});
