import * as os from "os";
import { bytesFromText, textFromBytes } from "../../../core/bytes/text.ts";
import { makeDirectories } from "../../beneath/files.ts";
import { checked } from "../../system/errno.ts";
import { writeToDescriptor } from "../../system/files.ts";
import { sigKill } from "../../system/run.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";

/** Under this name the native program serves contents (host-peer.c). */
const program = "birther-peer";

/** On all addresses: without a key nobody is served, and a machine's permanent address is not always there yet. */
export const anyAddress = "0.0.0.0";

/** Who is served, and how fast. */
export type PeerServing = {
  /** The current key and its predecessor, 64 hexadecimal digits each; nobody is served without one. */
  readonly keys: readonly [] | readonly [string] | readonly [string, string];
  /** Over all connections; 0 is without a limit. */
  readonly bytesPerSecond: number;
};

/** The process that serves this machine's fetched contents to other machines. It ends with the agent. */
export type PeerServer = {
  /** The port that it listens on. */
  readonly port: number;
  /** Changes whom it serves; false if the process has ended, and another one is to be started. */
  readonly set: (serving: PeerServing) => boolean;
  readonly stop: () => void;
};

/**
 * Starts the process on an address of this machine, which has to be there; it serves nobody until `set`. With a table (the path of
 * contents-table.ts) it also serves the files of the system. Throws if it cannot.
 */
export function startPeerServer(
  { root }: Pick<SubContext, "root">,
  { address, port, table }: { readonly address: string; readonly port: number; readonly table?: string },
): PeerServer {
  const directory = agentPaths.objects.slice(0, agentPaths.objects.lastIndexOf("/"));
  makeDirectories(root, agentPaths.objects, 0o700);
  const settings = newPipe();
  const status = newPipe();
  const ofTree = table === undefined ? [] : [root === "" ? "/" : root, `${root}${table}`];
  const pid = os.exec([program, `${root}${directory}`, address, String(port), ...ofTree], {
    ...{ block: false, file: "/proc/self/exe", stdin: settings.reader, stdout: status.writer },
  });
  os.close(settings.reader);
  os.close(status.writer);
  let isOpen = true;

  function stop(): void {
    if (!isOpen) return;
    isOpen = false;
    os.close(settings.writer);
    // Once PID 1 has reaped it, its number may be that of another process.
    if (os.waitpid(pid, os.WNOHANG)[0] !== 0) return;
    os.kill(pid, sigKill);
    os.waitpid(pid, 0);
  }
  try {
    return { port: readPort(status.reader), set, stop };
  } catch (error) {
    stop();
    throw error;
  } finally {
    os.close(status.reader);
  }

  function set({ keys, bytesPerSecond }: PeerServing): boolean {
    // PID 1 reaps children at any time; then there is none to wait for.
    if (isOpen && os.waitpid(pid, os.WNOHANG)[0] !== 0) {
      isOpen = false;
      os.close(settings.writer);
    }
    if (!isOpen) return false;
    const [key = "-", former = "-"] = keys;
    const line = bytesFromText(`${Math.round(bytesPerSecond)} ${key} ${former}\n`);
    try {
      writeToDescriptor(settings.writer, line, `${program}: settings`);
    } catch {
      stop();
    }
    return isOpen;
  }
}

function newPipe(): { readonly reader: number; readonly writer: number } {
  const ends = os.pipe();
  if (ends === null) throw new Error(`${program}: no pipe`);
  return { reader: ends[0], writer: ends[1] };
}

/** What the process says when it is ready: `listening PORT`, or its fault. */
function readPort(fd: number): number {
  const buffer = new Uint8Array(256);
  const count = checked(`${program}: start`, os.read(fd, buffer.buffer, 0, buffer.length));
  const text = textFromBytes(buffer.subarray(0, count)).trim();
  const port = /^listening (\d+)$/.exec(text)?.[1];
  if (port === undefined) throw new Error(`${program}: expected a port, found ${JSON.stringify(text)}`);
  return Number(port);
}
