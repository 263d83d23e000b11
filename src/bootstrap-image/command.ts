import { spawn } from "node:child_process";

/** Length limit for a failed command's output in an error, in characters. */
const maxErrorText = 2000;

/** `input` is piped to the command; `cwd` and `env` as of child_process. */
export type CommandOptions = {
  readonly cwd?: string;
  readonly input?: Uint8Array;
  readonly env?: { readonly [name: string]: string };
};

/** Runs a program on the building machine and returns its stdout; throws an error with its stderr when it fails. */
export async function runCommand(argv: readonly [string, ...string[]], options: CommandOptions = {}): Promise<Buffer> {
  const [program, ...rest] = argv;
  const name = argv.join(" ").slice(0, 200);
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: "C", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const output: Buffer[] = [];
    let errors = "";
    child.on("error", (cause) => reject(new Error(`starting ${name} failed`, { cause })));
    // Where no descriptor is free, it has no streams.
    if (child.pid === undefined) return;
    child.stdout.on("data", (piece: Buffer) => output.push(piece));
    child.stderr.on("data", (piece: Buffer) => {
      errors = (errors + piece.toString()).slice(-maxErrorText);
    });
    child.on("close", (status, signal) => {
      if (status === 0) resolve(Buffer.concat(output));
      else reject(new Error(`${name}: expected exit status 0, found ${signal ?? status}: ${errors.trim()}`));
    });
    // A program need not read its input to the end.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? new Uint8Array(0));
  });
}
