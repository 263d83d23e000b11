import { execFileSync, spawn } from "node:child_process";
import { chmodSync, lchownSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A user of the machine without rights. */
export const attackerUid = 54_321;

/** Compiles the attacker's program into a directory that every user may enter; returns its path. */
export function compileSwapper(): string {
  const directory = mkdtempSync(join(tmpdir(), "birther-attacker-"));
  chmodSync(directory, 0o755);
  const program = join(directory, "swapper");
  execFileSync("gcc", ["-O2", "-Wall", "-o", program, join(import.meta.dirname, "swapper.c")]);
  return program;
}

/** Exchanges pairs of paths in a loop, as the attacker, until it is disposed. Their directories must be the attacker's. */
export async function swapInLoop(program: string, pairs: readonly (readonly [string, string])[]) {
  const child = spawn(program, [String(attackerUid), ...pairs.flat()], { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (status) => reject(new Error(`swapper: expected it to run, found status ${status}`)));
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** Gives a path to the attacker. */
export function giveAway(path: string): void {
  lchownSync(path, attackerUid, attackerUid);
}
