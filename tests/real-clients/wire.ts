import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { promisify } from "node:util";
import { waitFor } from "../support/inside-namespace.ts";

const execute = promisify(execFile);

/** The result of a client's command. */
export type Ran = { readonly status: number; readonly output: string };

/** A cable: our end has the server's addresses, the client's end is in its own network namespace. */
export type Wire = AsyncDisposable & {
  readonly serverInterface: string;
  readonly clientInterface: string;
  /** Arguments before a command that is to run at the client's end. */
  readonly inside: readonly string[];
  /** Runs a command at the client's end; it is killed after two minutes, or after these seconds. */
  readonly run: (argv: readonly string[], seconds?: number) => Promise<Ran>;
};

const serverInterface = "birther0";
const clientInterface = "client0";

/** Lays a cable to a client with this MAC. Our end gets the addresses (with prefix lengths). Needs root. */
export async function layWire(of: { readonly mac: string; readonly addresses: readonly string[] }): Promise<Wire> {
  await using made = new AsyncDisposableStack();
  const { pid, inside } = made.use(await enterNamespace());
  const ip = (text: string, where: readonly string[] = []): Promise<void> =>
    command([...where, "ip", ...text.split(" ")]);
  await ip("link set lo up");
  await ip(`link add ${serverInterface} type veth peer name ${clientInterface} address ${of.mac}`);
  await ip(`link set ${clientInterface} netns ${pid}`);
  for (const address of of.addresses) await ip(`address add ${address} dev ${serverInterface}`);
  await ip(`link set ${serverInterface} up`);
  await ip(`link set ${clientInterface} up`, inside);
  made.defer(() => ip(`link delete ${serverInterface}`));
  const laid = made.move();
  return {
    serverInterface,
    clientInterface,
    inside,
    run: (argv, seconds) => runCommand([...inside, ...argv], seconds),
    [Symbol.asyncDispose]: () => laid.disposeAsync(),
  };
}

/** A network namespace, held by an idle process; `inside` are the arguments before a command that is to run there. */
export async function enterNamespace(): Promise<
  AsyncDisposable & { readonly pid: number | undefined; readonly inside: readonly string[] }
> {
  const holder = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"], {
    stdio: "ignore",
  });
  await waitFor("the client's network namespace", 60, () => hasLeft(holder.pid) || undefined);
  return {
    pid: holder.pid,
    inside: ["nsenter", "-t", String(holder.pid), "-n"],
    [Symbol.asyncDispose]: async () => {
      const ended = once(holder, "exit");
      holder.kill("SIGKILL");
      await ended;
    },
  };
}

/** Whether a child has entered its own network namespace. */
function hasLeft(pid: number | undefined): boolean {
  return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
}

async function command(argv: readonly string[]): Promise<void> {
  const { status, output } = await runCommand(argv);
  if (status !== 0) throw new Error(`${argv.join(" ")}: ${output}`);
}

/** Runs a command, which is killed after this many seconds; neither that nor a failure is an exception. */
export async function runCommand([name = "", ...rest]: readonly string[], seconds = 120): Promise<Ran> {
  try {
    const { stdout, stderr } = await execute(name, rest, { timeout: seconds * 1000, killSignal: "SIGKILL" });
    return { status: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (code === "ENOENT")
      throw new Error(`${name} is missing; run apt-get install curl tftp-hpa atftp udhcpc isc-dhcp-client`, {
        cause: error,
      });
    return { status: typeof code === "number" ? code : -1, output: stdout + stderr };
  }
}
