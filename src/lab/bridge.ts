import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** One port of the virtual switch: the tap that a machine's network card is plugged into. */
export type BridgePort = { readonly tap: string; readonly lossPercent: number };

export type BridgeSpec = {
  readonly name: string;
  /** The switch's and the server's own MAC. */
  readonly mac: string;
  /** Addresses of the server on the bridge, with prefix length, e.g. `10.77.0.1/24`. */
  readonly addresses: readonly string[];
  readonly ports: readonly BridgePort[];
};

/** A command to run, with the text for its standard input if it wants any. */
export type Command = { readonly argv: readonly string[]; readonly input?: string };

/** The commands that build the switch inside a fresh network namespace, in order. */
export function bridgeCommands(spec: BridgeSpec): readonly Command[] {
  const ip = (text: string): Command => ({ argv: ["ip", ...text.split(" ")] });
  return [
    ip("link set lo up"),
    // No spanning tree and no forward delay: a port carries frames at once, as a port of a real rack with portfast
    // does. No multicast snooping: nobody is there to ask for reports.
    ip(`link add ${spec.name} address ${spec.mac} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`),
    ...spec.addresses.map((address) => ip(`addr add ${address} dev ${spec.name}`)),
    ip(`link set ${spec.name} addrgenmode none up`),
    ...spec.ports.flatMap(({ tap }) => [
      ip(`tuntap add dev ${tap} mode tap`),
      ip(`link set ${tap} master ${spec.name} addrgenmode none up`),
    ]),
    ...lossCommands(spec.ports),
  ];
}

/** The commands that take the switch away again, so that another can be built in the same namespace. */
export function removalCommands(spec: BridgeSpec): readonly Command[] {
  const gone = [...spec.ports.map(({ tap }) => tap), spec.name];
  const lossy = spec.ports.some((port) => port.lossPercent > 0);
  return [
    ...gone.map((name) => ({ argv: ["ip", "link", "delete", name] })),
    ...(lossy ? [{ argv: ["nft", "delete", "table", "bridge", "loss"] }] : []),
  ];
}

/**
 * Random loss in both directions by nftables in the bridge. Not `tc netem`: kernels made small for virtual machines
 * leave it out, while nf_tables is in nearly every one.
 */
function lossCommands(ports: readonly BridgePort[]): readonly Command[] {
  const lossy = ports.filter((port) => port.lossPercent > 0);
  if (lossy.length === 0) return [];
  const chain = (hook: string, word: string) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority 0;`,
    ...lossy.map(
      (port) => `    ${word} "${port.tap}" numgen random mod 10000 < ${Math.round(port.lossPercent * 100)} drop`,
    ),
    "  }",
  ];
  const lines = ["table bridge loss {", ...chain("prerouting", "iifname"), ...chain("postrouting", "oifname"), "}", ""];
  return [{ argv: ["nft", "-f", "-"], input: lines.join("\n") }];
}

/** Runs the commands one after the other; throws at the first that fails, with what it said. */
export async function runStep(commands: readonly Command[]): Promise<void> {
  for (const { argv, input } of commands) {
    const [program = "", ...rest] = argv;
    const running = promisify(execFile)(program, rest, { timeout: 10_000 });
    // A program that does not read its input may be gone before we write; its exit status tells what matters.
    running.child.stdin?.on("error", () => {}).end(input ?? "");
    try {
      await running;
    } catch (cause) {
      throw new Error(`the virtual switch: \`${argv.join(" ")}\` failed`, { cause });
    }
  }
}
