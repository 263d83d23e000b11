import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A process of the benchmark that answers over IPC; disposing ends it. */
export type Child = AsyncDisposable & {
  readonly pid: number;
  /** Its next message. */
  readonly next: <T>() => Promise<T>;
  readonly ask: <T>(word: object) => Promise<T>;
};

/** Memory for the objects of a million machines; the computer must have it. */
const heapMiB = 16_384;

/** Starts a module of this directory. */
export function startChild(module: string, text: readonly (string | number)[]): Child {
  const execArgv = ["--disable-warning=ExperimentalWarning", "--expose-gc", `--max-old-space-size=${heapMiB}`];
  const child: ChildProcess = fork(join(import.meta.dirname, module), text.map(String), { execArgv });
  const said: object[] = [];
  let wake = () => {};
  let over: string | undefined;
  child.on("message", (message: object) => {
    said.push(message);
    wake();
  });
  child.on("exit", (status, signal) => {
    over = `${module} ended with ${status ?? signal}`;
    wake();
  });
  const next = async <T>(): Promise<T> => {
    while (said.length === 0) {
      if (over !== undefined) throw new Error(over);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const message = said.shift() as { failed?: string };
    if (message.failed !== undefined) throw new Error(`${module}: ${message.failed}`);
    return message as T;
  };
  return {
    pid: child.pid ?? 0,
    next,
    ask: async <T>(word: object) => {
      child.send(word);
      return await next<T>();
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      if (child.connected) child.disconnect();
      const killer = setTimeout(() => child.kill("SIGKILL"), 60_000);
      await ended;
      clearTimeout(killer);
    },
  };
}

/** Runs a module of this directory to its end. */
export async function runChild(module: string, text: readonly (string | number)[]): Promise<void> {
  const execArgv = ["--disable-warning=ExperimentalWarning"];
  const child = fork(join(import.meta.dirname, module), text.map(String), { execArgv });
  const [status] = await once(child, "exit");
  if (status !== 0) throw new Error(`${module} ended with ${status}`);
}
