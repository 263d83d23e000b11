import { type ChildProcess, spawn } from "node:child_process";
import { enterNamespace, layWire, type Ran, runCommand } from "./wire.ts";

/** A relay agent between us and a client: ISC's dhcrelay, in its own namespace, which also routes. */
export type RelayedWire = AsyncDisposable & {
  /** Our interface towards the relay. */
  readonly serverInterface: string;
  readonly clientInterface: string;
  /** Runs a command at the client's end; it is killed after two minutes, or after these seconds. */
  readonly run: (argv: readonly string[], seconds?: number) => Promise<Ran>;
  /** Starts a long-running command at the client's end. */
  readonly start: (argv: readonly string[]) => ChildProcess;
};

const relayUp = "client0";
const relayDown = "down0";
const clientInterface = "eth0";

/**
 * Server (10.0.0.1) – relay (10.0.0.2, 10.78.0.1) – client without an address. `relayOptions` go to dhcrelay, which
 * forwards the client's packets to `server`.
 */
export async function layRelayedWire(of: {
  readonly mac: string;
  readonly server: string;
  readonly relayOptions: readonly string[];
}): Promise<RelayedWire> {
  await using made = new AsyncDisposableStack();
  const wire = made.use(await layWire({ mac: "52:54:00:00:00:fe", addresses: ["10.0.0.1/24"] }));
  const { pid, inside } = made.use(await enterNamespace());
  const must = async (...argv: string[]): Promise<void> => {
    const { status, output } = await wire.run(argv);
    if (status !== 0) throw new Error(`${argv.join(" ")}: ${output}`);
  };
  const ip = (text: string) => must("ip", ...text.split(" "));
  await ip("link set lo up");
  await ip(`address add 10.0.0.2/24 dev ${relayUp}`);
  await ip(`link add ${relayDown} type veth peer name ${clientInterface} address ${of.mac}`);
  await ip(`link set ${clientInterface} netns ${pid}`);
  await ip(`address add 10.78.0.1/24 dev ${relayDown}`);
  await ip(`link set ${relayDown} up`);
  await must(...inside, "ip", "link", "set", clientInterface, "up");
  await must("sysctl", "-qw", "net.ipv4.ip_forward=1");
  // With -U, dhcrelay 4.4.3 adds that interface itself and crashes if -iu names it again.
  const up = of.relayOptions.includes("-U") ? [] : ["-iu", relayUp];
  await must("dhcrelay", "-4", "-q", "--no-pid", ...of.relayOptions, ...up, "-id", relayDown, of.server);
  const all = made.move();
  return {
    serverInterface: wire.serverInterface,
    clientInterface,
    run: (argv, seconds) => runCommand([...inside, ...argv], seconds),
    start: ([command = "", ...rest]) =>
      spawn("nsenter", [...inside.slice(1), "setpriv", "--pdeathsig", "KILL", command, ...rest], { stdio: "ignore" }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
