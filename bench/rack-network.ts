import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { enterNamespace } from "../tests/real-clients/wire.ts";

const execute = promisify(execFile);

/** The server's address, at the far end of the uplink. */
export const originAddress = "10.99.0.1";
/** The address of the machine with this number, from 0. */
export const addressOf = (number: number): string => `10.99.0.${10 + number}`;

/** A rack: machines on one switch, and an uplink to the server, which is in our own namespace. */
export type RackNetwork = AsyncDisposable & {
  /** Arguments before a command that is to run on a machine. */
  readonly inside: readonly (readonly string[])[];
  /** Bytes that crossed the uplink towards the rack. */
  readonly crossedBytes: () => number;
  /** Limits the link of a machine, in both directions. */
  readonly slow: (machine: number, mbps: number) => Promise<void>;
};

async function command(argv: readonly string[]): Promise<void> {
  const [program = "", ...rest] = argv;
  await execute(program, rest);
}

/** A bucket of 20 ms, and a queue of 50 ms. */
function shaped(device: string, mbps: number): readonly string[] {
  const burst = Math.max(64_000, Math.round((mbps * 125_000) / 50));
  const rest = ["rate", `${mbps}mbit`, "burst", String(burst), "latency", "50ms"];
  return ["tc", "qdisc", "replace", "dev", device, "root", "tbf", ...rest];
}

/** Lays the cables. Everything is gone with the namespaces. */
export async function layRack(of: {
  readonly machines: number;
  readonly uplinkMbps: number;
  readonly linkMbps: number;
}): Promise<RackNetwork> {
  await using made = new AsyncDisposableStack();
  const rack = made.use(await enterNamespace());
  const inRack = (...argv: readonly string[]) => command([...rack.inside, ...argv]);
  await command(["ip", "link", "set", "lo", "up"]);
  await command(["ip", "link", "add", "uplink", "type", "veth", "peer", "name", "tor0", "netns", String(rack.pid)]);
  made.defer(() => command(["ip", "link", "delete", "uplink"]).catch(() => undefined));
  await command(["ip", "address", "add", `${originAddress}/24`, "dev", "uplink"]);
  await command(["ip", "link", "set", "uplink", "up"]);
  await inRack("ip", "link", "add", "switch", "type", "bridge");
  for (const device of ["switch", "tor0"]) await inRack("ip", "link", "set", device, "up");
  await inRack("ip", "link", "set", "tor0", "master", "switch");
  await command(shaped("uplink", of.uplinkMbps));
  await inRack(...shaped("tor0", of.uplinkMbps));

  const inside: (readonly string[])[] = [];
  for (let number = 0; number < of.machines; number += 1) {
    const machine = made.use(await enterNamespace());
    const port = `port${number}`;
    await inRack("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", String(machine.pid));
    await inRack("ip", "link", "set", port, "master", "switch", "up");
    await command([...machine.inside, "ip", "link", "set", "lo", "up"]);
    await command([...machine.inside, "ip", "address", "add", `${addressOf(number)}/24`, "dev", "eth0"]);
    await command([...machine.inside, "ip", "link", "set", "eth0", "up"]);
    inside.push(machine.inside);
  }
  async function slow(machine: number, mbps: number): Promise<void> {
    await inRack(...shaped(`port${machine}`, mbps));
    await command([...(inside[machine] ?? []), ...shaped("eth0", mbps)]);
  }
  for (let number = 0; number < of.machines; number += 1) await slow(number, of.linkMbps);
  const laid = made.move();
  return {
    inside,
    slow,
    crossedBytes: () => sentBytes("uplink"),
    [Symbol.asyncDispose]: () => laid.disposeAsync(),
  };
}

/** What an interface has sent: the ninth number of its line (proc_net_dev(5)). */
function sentBytes(device: string): number {
  const line = new RegExp(`^ *${device}:(.*)`, "m").exec(readFileSync("/proc/net/dev", "utf8"))?.[1] ?? "";
  return Number(line.trim().split(/ +/)[8]);
}
