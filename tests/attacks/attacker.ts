import { execFileSync, spawn } from "node:child_process";
import { chmodSync, lchownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A user of the machine without rights. */
export const attackerUid = 54_321;

/** A program of the attacker, in a directory that every user may enter. */
export type AttackerProgram = { readonly path: string } & Disposable;

/** Compiles a program of the attacker from its source beside this file. */
export function compileAttacker(name: "swapper" | "tenant"): AttackerProgram {
  const directory = mkdtempSync(join(tmpdir(), "birther-attacker-"));
  chmodSync(directory, 0o755);
  const path = join(directory, name);
  execFileSync("gcc", ["-O2", "-Wall", "-o", path, join(import.meta.dirname, `${name}.c`)]);
  return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

/** A program that the attacker runs. `end` asks it to end, and returns what it has printed since it began. */
export type RunningAttack = AsyncDisposable & { readonly end: () => Promise<string> };

/** Runs a program as the attacker, from the moment when it has begun until it is disposed. */
export async function runAttacker({ path }: AttackerProgram, args: readonly string[]): Promise<RunningAttack> {
  const child = spawn(path, [String(attackerUid), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  const ended = new Promise((resolve) => child.once("close", resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (status) => reject(new Error(`${path}: expected it to run, found status ${status}`)));
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const end = async () => {
    child.stdin.end();
    await ended;
    return output;
  };
  return { end, [Symbol.asyncDispose]: async () => void (await end()) };
}

/** Gives a path to the attacker. */
export function giveAway(path: string): void {
  lchownSync(path, attackerUid, attackerUid);
}
