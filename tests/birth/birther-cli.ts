import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import type { MachineView } from "../../src/contract/operator/views.ts";

const launcher = new URL("../../birther", import.meta.url).pathname;
const runFile = promisify(execFile);

/** Runs `./birther` with these arguments as a user would, and returns its standard output. Throws when it fails. */
export async function birther(...text: readonly string[]): Promise<string> {
  const { stdout } = await runFile(launcher, text, { timeout: 300_000, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** A demo that runs in the background, with its progress on our standard error. */
export type RunningDemo = {
  readonly process: ChildProcess;
  /** Its standard output so far. */
  readonly output: () => string;
  /** Resolves with its exit status. */
  readonly ended: Promise<number | null>;
};

/** Starts `./birther demo` in the caller's directory. It ends in order when this process is gone, however that ends. */
export function startDemo(...text: readonly string[]): RunningDemo {
  const child = spawn("setpriv", ["--pdeathsig", "TERM", "--", launcher, "demo", ...text], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { process: child, output: () => output, ended };
}

/** The machines of the server with this state directory. */
export async function machinesOf(state: string): Promise<readonly MachineView[]> {
  return JSON.parse(await birther("machines", "--state", state, "-o", "json")) as readonly MachineView[];
}
