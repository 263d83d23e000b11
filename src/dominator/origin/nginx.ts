import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { accessSync, constants, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { get as getOverTls } from "node:https";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { plainText } from "../../core/bytes/plain-text.ts";
import { alivePath, type NginxSettings, nginxConfiguration } from "./nginx-configuration.ts";

/** What of the settings the server knows; the rest depends on this computer. */
export type NginxPlace = Pick<NginxSettings, "addresses" | "port" | "serves" | "connectionsPerAddress"> & {
  /** The directory in which it runs. */
  readonly directory: string;
};

/** Where Debian and others install it. */
const directories = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];
/** As many as a link of 25 Gb/s needs; the rest of the processors is for machines' requests. */
const mostWorkers = 4;
const connections = 16_384;

/** The program; undefined if it is not installed, or `setpriv`, which ends it with the server, is not. */
export function findNginx(): string | undefined {
  return findProgram("setpriv") === undefined ? undefined : findProgram("nginx");
}

function findProgram(name: string): string | undefined {
  return directories
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** nginx that was started, and how to see that it serves. */
export type StartedNginx = { readonly child: ChildProcess; readonly serves: (withinMs: number) => Promise<boolean> };

/**
 * Writes the configuration and starts nginx in a process group of its own. It ends when the server does, even by SIGKILL. Started by root,
 * it keeps the capabilities to bind a low port and to set its groups, and no others. Throws if the configuration cannot be written.
 */
export function startNginx(program: string, place: NginxPlace, onLine: (line: string) => void): StartedNginx {
  const asRoot = process.getuid?.() === 0;
  const { directory, ...settings } = place;
  const workers = Math.min(mostWorkers, availableParallelism());
  const token = randomUUID();
  const written = nginxConfiguration({ ...settings, workers, connections, token, asRoot });
  writeFileSync(join(directory, "nginx.conf"), written, { mode: 0o600 });
  const least = asRoot ? ["--inh-caps=-all", "--bounding-set=-all,+net_bind_service,+setgid"] : [];
  const privileges = ["--pdeathsig", "TERM", "--no-new-privs", ...least];
  const child = spawn("setpriv", [...privileges, program, "-p", `${directory}/`, "-e", "stderr", "-c", "nginx.conf"], {
    ...{ cwd: directory, stdio: ["ignore", "ignore", "pipe"], detached: true },
  });
  child.stderr?.setEncoding("utf8");
  child.stderr?.on("data", (output: string) => {
    for (const line of output.split("\n")) if (line !== "") onLine(plainText(line.slice(0, maxLineLength)));
  });
  return { child, serves: (withinMs) => serves(child, { place, token, withinMs }) };
}

const maxLineLength = 500;
const pollMs = 50;

/** Whether the program itself answers within a time; false as soon as it has ended. */
async function serves(
  child: ChildProcess,
  { place, token, withinMs }: { readonly place: NginxPlace; readonly token: string; readonly withinMs: number },
): Promise<boolean> {
  for (const endMs = performance.now() + withinMs; performance.now() < endMs && isRunning(child); await sleep(pollMs))
    if ((await askAlive(place).catch(() => "")) === token) return true;
  return false;
}

/** The token shows who answers, so the certificate need not. */
async function askAlive({ addresses, port, serves: { kind } }: NginxPlace): Promise<string> {
  const [host] = addresses;
  const options = { host, port, path: alivePath, agent: false, timeout: askMs, signal: AbortSignal.timeout(askMs) };
  const request = kind === "public" ? get(options) : getOverTls({ ...options, rejectUnauthorized: false });
  // What breaks off an answer is an error of the request too, so its listener stays.
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request.once("response", resolve).on("error", reject),
  );
  return await text(response);
}

const askMs = 1000;

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
