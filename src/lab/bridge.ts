import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** One port of the virtual switch: the tap of a machine's network card. */
export type BridgePort = {
  readonly tap: string;
  readonly lossPercent: number;
  /** The rate towards the machine; no limit if it is undefined. */
  readonly linkMbps?: number | undefined;
};

export type BridgeSpec = {
  readonly name: string;
  /** The MAC address of the switch and the server. */
  readonly mac: string;
  /** Addresses of the server on the bridge, with prefix length, e.g. `10.77.0.1/24`. */
  readonly addresses: readonly string[];
  readonly ports: readonly BridgePort[];
};

/** A command to run, with the text for its standard input if it needs any. */
export type Command = { readonly argv: readonly string[]; readonly input?: string };

/** The commands that build the switch inside a new network namespace, in order. */
export function bridgeCommands(spec: BridgeSpec): readonly Command[] {
  const ip = (text: string): Command => ({ argv: ["ip", ...text.split(" ")] });
  return [
    ip("link set lo up"),
    // No spanning tree and no forward delay: a port forwards frames at once, like a port of a real rack with portfast.
    // No multicast snooping, because no router queries for reports.
    ip(`link add ${spec.name} address ${spec.mac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`),
    ...spec.addresses.map((address) => ip(`addr add ${address} dev ${spec.name}`)),
    ip(`link set ${spec.name} addrgenmode none up`),
    ...spec.ports.flatMap(({ tap }) => [
      ip(`tuntap add dev ${tap} mode tap`),
      ip(`link set ${tap} master ${spec.name} addrgenmode none up`),
    ]),
    ...spec.ports.flatMap(({ tap, linkMbps }) => (linkMbps === undefined ? [] : [rateCommand(tap, linkMbps)])),
    ...lossCommands(spec.ports),
  ];
}

/** Frames towards the machine wait for up to half a second, then they are dropped, as by a switch. */
const rateCommand = (tap: string, mbps: number): Command => ({
  argv: `tc qdisc add dev ${tap} root tbf rate ${mbps}mbit burst 64kb latency 500ms`.split(" "),
});

/** The commands that remove the switch, so that another can be built in the same namespace. */
export function removalCommands(spec: BridgeSpec): readonly Command[] {
  const links = [...spec.ports.map(({ tap }) => tap), spec.name];
  const lossy = spec.ports.some((port) => port.lossPercent > 0);
  return [
    ...links.map((name) => ({ argv: ["ip", "link", "delete", name] })),
    ...(lossy ? [{ argv: ["nft", "delete", "table", "bridge", "loss"] }] : []),
  ];
}

/**
 * Random loss in both directions by nftables in the bridge. Not `tc netem`, because small kernels for virtual machines
 * omit it, while nearly every kernel has nf_tables.
 */
function lossCommands(ports: readonly BridgePort[]): readonly Command[] {
  const lossy = ports.filter((port) => port.lossPercent > 0);
  if (lossy.length === 0) return [];
  const chain = (hook: string, match: string) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority 0;`,
    ...lossy.map(
      (port) => `    ${match} "${port.tap}" numgen random mod 10000 < ${Math.round(port.lossPercent * 100)} drop`,
    ),
    "  }",
  ];
  const lines = ["table bridge loss {", ...chain("prerouting", "iifname"), ...chain("postrouting", "oifname"), "}", ""];
  return [{ argv: ["nft", "-f", "-"], input: lines.join("\n") }];
}

/** Runs the commands one after the other; throws at the first that fails, with its output. */
export async function runStep(commands: readonly Command[]): Promise<void> {
  for (const { argv, input } of commands) {
    const [program = "", ...rest] = argv;
    const running = promisify(execFile)(program, rest, { timeout: 60_000 });
    // A program that does not read its input may be links before we write; only its exit status counts.
    running.child.stdin?.on("error", () => {}).end(input ?? "");
    try {
      await running;
    } catch (cause) {
      throw new Error(`setting up the virtual switch: \`${argv.join(" ")}\` failed`, { cause });
    }
  }
}
