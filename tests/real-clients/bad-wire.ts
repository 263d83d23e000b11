import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { enterNamespace, layWire, type Ran, runCommand } from "./wire.ts";

/** A client at a port of the bad switch. */
export type BadClient = {
  readonly mac: string;
  readonly clientInterface: string;
  /** Runs a command at the client's end; it is killed after this many seconds. */
  readonly run: (argv: readonly string[], seconds: number) => Promise<Ran>;
};

const clientInterface = "eth0";

/** Our interface (10.77.0.1) at one port of a bad switch, and a client in its own namespace at each other port. */
export type BadWire = AsyncDisposable & { readonly serverInterface: string; readonly clients: readonly BadClient[] };

/** Builds it for these clients, by their MAC addresses. Needs root. */
export async function layBadWire(macs: readonly string[], seed: number): Promise<BadWire> {
  await using made = new AsyncDisposableStack();
  const uplink = made.use(await layWire({ mac: "52:54:00:00:00:fe", addresses: ["10.77.0.1/24"] }));
  const must = async (argv: readonly string[]): Promise<void> => {
    const { status, output } = await uplink.run(argv);
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${output}`);
  };
  const ip = (text: string, before: readonly string[] = []) => must([...before, "ip", ...text.split(" ")]);
  const clients: BadClient[] = [];
  for (const [index, mac] of macs.entries()) {
    const { pid, inside } = made.use(await enterNamespace());
    await ip(`link add port${index} type veth peer name ${clientInterface} address ${mac}`);
    await ip(`link set ${clientInterface} netns ${pid}`);
    await ip(`link set port${index} up`);
    await ip(`link set ${clientInterface} up`, inside);
    clients.push({ mac, clientInterface, run: (argv, seconds) => runCommand([...inside, ...argv], seconds) });
  }
  const [command = "", ...before] = uplink.inside;
  const script = [join(import.meta.dirname, "bad-switch.ts"), String(seed), uplink.clientInterface];
  const text = [...before, "setpriv", "--pdeathsig", "KILL", process.execPath, ...script];
  const bad = spawn(command, [...text, ...macs.map((_, index) => `port${index}`)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  made.defer(async () => {
    const ended = once(bad, "exit");
    if (bad.kill("SIGKILL")) await ended;
  });
  await Promise.race([once(bad.stdout, "data"), once(bad, "exit").then(() => Promise.reject(new Error("bad switch")))]);
  const all = made.move();
  return { serverInterface: uplink.serverInterface, clients, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
