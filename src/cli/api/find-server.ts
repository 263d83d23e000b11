import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { runningDemo } from "../../contract/lab.ts";
import { errorCode } from "../../core/error-code.ts";
import { failure } from "./failure.ts";

/** The default state directory of a server. */
export const defaultState = "/var/lib/birther";
const demoState = join(runningDemo, "state");

/** The state directory that the caller named, by option or environment. */
function named(option: string | undefined): string | undefined {
  return option ?? (process.env.BIRTHER_STATE || undefined);
}

/**
 * The socket of the server: that of the named state directory, else of the running server or the running demo. If both run,
 * the caller must choose: a rebirth must not reach the wrong fleet.
 */
export async function findServer(option: string | undefined): Promise<string> {
  const only = named(option);
  const states = only === undefined ? [defaultState, demoState] : [only];
  const sockets = states.map((state) => join(state, "api.sock"));
  const found = await Promise.all(sockets.map(async (path) => [path, await probe(path)] as const));
  const running = found.filter(([, answer]) => answer === "runs").map(([path]) => path);
  const [first, second] = running;
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined) {
    throw failure(
      "misused",
      "expected one running server, found two: a server and a demo",
      `choose one with --state ${defaultState} or --state ${demoState}`,
    );
  }
  const closed = found.find(([, answer]) => answer === "forbidden");
  if (closed !== undefined) {
    throw failure(
      "noServer",
      `this user may not open ${closed[0]}`,
      "run the command as the user of the server: sudo birther …",
    );
  }
  throw failure(
    "noServer",
    `no server runs at ${sockets.join(" or ")}`,
    "start one with birther serve --config FILE or birther demo, or name its state directory with --state",
  );
}

/** The state directory for verbs that need no server: the named one, the running server's, or the default. */
export async function findState(option: string | undefined): Promise<string> {
  const only = named(option);
  if (only !== undefined) return only;
  const demo = (await probe(join(demoState, "api.sock"))) === "runs";
  if (demo && !existsSync(defaultState)) return demoState;
  return defaultState;
}

async function probe(path: string): Promise<"runs" | "absent" | "forbidden"> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return "runs";
  } catch (error) {
    const code = errorCode(error);
    return code === "EACCES" || code === "EPERM" ? "forbidden" : "absent";
  } finally {
    socket.destroy();
  }
}
