import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** What became of a run of the `birther` command. */
export type Outcome = { readonly status: number | null; readonly out: string; readonly err: string };

/** Starts the `birther` command, without the state directory of the environment. */
export function start(text: readonly string[], environment: { [name: string]: string } = {}): ChildProcess {
  const entry = join(import.meta.dirname, "../../src/main/cli.ts");
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", entry, ...text], {
    env: { ...process.env, BIRTHER_STATE: "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The outcome of a command that was started. */
export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const read = async (stream: ChildProcess["stdout"]) => (await stream?.setEncoding("utf8").toArray())?.join("") ?? "";
  const [out, err, [status]] = await Promise.all([read(child.stdout), read(child.stderr), once(child, "close")]);
  return { status, out, err };
}

/** Runs the `birther` command to its end. */
export const birther = (...text: string[]) => outcomeOf(start(text));
