import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startInNamespace } from "../src/lab/namespace.ts";
import { layWire, type Wire } from "../tests/real-clients/wire.ts";
import { peerEnvironment } from "./peers.ts";

const mark = "BIRTHER_BENCH_INSIDE";

/** Whether this process runs inside the namespaces of its benchmark. */
export const isInside = (): boolean => process.env[mark] !== undefined;

/** Runs the benchmark again inside network and process namespaces of its own, until it ends; its status is 1 if it fails. */
export async function runInside(fileUrl: string): Promise<void> {
  const argv = [process.execPath, "--disable-warning=ExperimentalWarning", fileURLToPath(fileUrl)];
  const child = startInNamespace([...argv, ...process.argv.slice(2)], { env: { [mark]: "1" } });
  const [status] = await once(child, "close");
  process.exitCode = status === 0 ? 0 : 1;
}

/** What a benchmark runs in: a cable between servers and their clients, and a directory that is removed afterwards. */
export type BenchEnvironment = {
  readonly wire: Wire;
  readonly directory: string;
  /** Fewer and shorter trials. */
  readonly quick: boolean;
  /** The values of the benchmark's own options. */
  readonly options: { readonly [name: string]: string | undefined };
};

/**
 * Runs a benchmark in a network namespace of its own. `prepare` runs before, while the outer network is available. The
 * last line of standard output is the result of `measure` as one JSON object; everything else goes to standard error.
 */
export async function runBenchmark(of: {
  readonly fileUrl: string;
  readonly about: string;
  readonly addresses: readonly string[];
  /** Options of its own, each with a value. */
  readonly options?: readonly string[];
  readonly prepare: () => Promise<void>;
  readonly measure: (environment: BenchEnvironment) => Promise<object>;
}): Promise<void> {
  const own = Object.fromEntries((of.options ?? []).map((name) => [name, { type: "string" }] as const));
  const { values } = parseArgs({ options: { ...own, quick: { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help) {
    process.stdout.write(`${of.about}\n\n  --quick   fewer and shorter trials\n`);
    return;
  }
  if (process.getuid?.() !== 0)
    throw new Error("this benchmark needs root, because it connects two network namespaces by a virtual cable");
  if (!isInside()) {
    await of.prepare();
    return await runInside(of.fileUrl);
  }
  const directory = mkdtempSync(join(tmpdir(), "birther-bench-"));
  try {
    await using wire = await layWire({ mac: "52:54:00:be:7c:01", addresses: of.addresses });
    const given: { readonly [name: string]: unknown } = values;
    const options = Object.fromEntries((of.options ?? []).map((name) => [name, textOf(given[name])]));
    const result = await of.measure({ wire, directory, quick: values.quick === true, options });
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Prints the progress on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A server under test; disposing stops it. */
export type RunningServer = AsyncDisposable & {
  readonly pid: number;
  /** CPU seconds that it and its children have used: on a busy computer a better measure than the clock. */
  readonly cpuSeconds: () => number;
};

/**
 * Starts a server, with its output in a file, and waits until it has opened the port (from /proc/net, 60 s at most).
 */
export async function startServer(
  argv: readonly string[],
  of: {
    readonly protocol: "udp" | "tcp";
    readonly port: number;
    /** Its address, if others use the same port; any address if undefined. */
    readonly address?: string;
    readonly output: string;
    readonly env?: { readonly [name: string]: string };
  },
): Promise<RunningServer> {
  const [command = "", ...rest] = argv;
  const file = openSync(of.output, "w");
  const child = spawn(command, rest, {
    stdio: ["ignore", file, file],
    env: { ...process.env, ...peerEnvironment, ...of.env },
  });
  closeSync(file);
  let failed: unknown;
  child.on("error", (cause) => {
    failed = cause;
  });
  for (let tries = 0; !holdsPort(of); tries += 1) {
    if (failed !== undefined || child.exitCode !== null || tries > 1200) {
      child.kill("SIGKILL");
      throw new Error(
        `${command}: expected it to listen within 60 s, found no listener: ${readFileSync(of.output, "utf8").slice(-1500)}`,
        { cause: failed },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    pid: child.pid ?? 0,
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  await ended;
  clearTimeout(killer);
}

function holdsPort({ protocol, port, address }: { protocol: "udp" | "tcp"; port: number; address?: string }): boolean {
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");
  // In the computer's byte order, the lowest first (proc_net_tcp.rst).
  const bytes = address?.split(".").map((byte) => hex(Number(byte), 2));
  const local = `${bytes?.reverse().join("") ?? "[0-9A-F]{8}"}:${hex(port, 4)}`;
  return new RegExp(`^ *\\d+: ${local} `, "m").test(readFileSync(`/proc/net/${protocol}`, "utf8"));
}

/** For the process, its children, and those it has waited for: proc(5), fields 14 to 17 of stat, in ticks of 10 ms. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const own = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / 100;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  return children.reduce((sum, child) => sum + cpuSecondsOf(Number(child)), own);
}
