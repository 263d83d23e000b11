import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { buildNative, nativeBuilds } from "../../src/bootstrap-image/program/native.ts";
import { cacheDirectory } from "../../src/main/paths.ts";

/** Time limit of a test program. */
const limitMs = 180_000;

/** The build under test: the suite `sanitizers` runs the tests again with its own. */
const build = nativeBuilds.find((name) => name === process.env.NATIVE_BUILD) ?? "shipped";

/** The path of the native program. */
export const native: Promise<string> = buildNative({ cacheDirectory, log: () => undefined }, build);

/** The engine's memory goes with the process, so what it holds at the end is no leak. */
process.env.ASAN_OPTIONS = "detect_leaks=0";
process.env.UBSAN_OPTIONS = "print_stacktrace=1";

export type NativeRun = { readonly status: number; readonly stdout: string; readonly stderr: string };

/** Runs JavaScript source in the native program. */
export async function runNative(script: string, args: readonly string[]): Promise<NativeRun> {
  const program = await native;
  return new Promise((resolve) => {
    execFile(program, [script, ...args], { timeout: limitMs, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ status, stdout, stderr });
    });
  });
}

/** Bundles tests/native/programs/NAME.ts into `directory`, runs it, and parses the JSON that it prints. */
export async function runProgram(directory: string, name: string, args: readonly string[]) {
  const script = join(directory, `${name}.js`);
  await writeFile(script, await bundleForQuickJs({ entry: join(import.meta.dirname, `programs/${name}.ts`) }));
  const { status, stdout, stderr } = await runNative(script, args);
  if (status !== 0) throw new Error(`${name}.js ended with status ${status}: ${stderr}${stdout}`);
  return JSON.parse(stdout);
}
