import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { dhcpSite } from "./dhcp-site.ts";
import type { BenchEnvironment } from "./environment.ts";
import { peerEnvironment, peerProgram } from "./peers.ts";

/** The result of one run of perfdhcp. */
export type DhcpTrial = {
  readonly offeredRate: number;
  /** Complete four-way exchanges per second. */
  readonly rate: number;
  readonly dropPercent: number;
};

/** Options of a PXE client: class, architecture (BIOS), UNDI, and requested options. */
const pxeOptions = [
  ["60", Buffer.from("PXEClient:Arch:00000:UNDI:002001").toString("hex")],
  ["93", "0000"],
  ["94", "010201"],
  ["55", "0103060c0f1c3642436180"],
].flatMap(([code, hex]) => ["-o", `${code},${hex}`]);

/** Clients of each run have their own MACs, counted from here, because a machine is new only once. */
let nextMac = 0x020000000000;

function freshMacs(count: number): string {
  const mac = nextMac.toString(16).padStart(12, "0").match(/../g)?.join(":") ?? "";
  nextMac += count;
  return `mac=${mac}`;
}

/** Offers a rate of exchanges by this number of different machines for some seconds. */
export async function tryRate(
  environment: BenchEnvironment,
  of: { readonly rate: number; readonly machines: number; readonly seconds: number; readonly base?: string },
): Promise<DhcpTrial> {
  const base = of.base ?? freshMacs(of.machines);
  const times = ["-r", String(of.rate), "-R", String(of.machines), "-p", String(of.seconds), "-W", "500000"];
  // With two threads, its default, it takes both cores from the server, and then loses answers in its own buffer.
  const text = ["-g", "single", ...times, "-b", base];
  const output = await perfdhcp(environment, text, of.seconds + 15);
  // Two pairs are counted (DISCOVER-OFFER, REQUEST-ACK): a client is lost if either is. Its own "Rate" also counts the
  // time it waits for stragglers, so it is not used.
  const sent = [...output.matchAll(/^sent packets: (\d+)/gm)].map(([, text]) => Number(text));
  const received = [...output.matchAll(/^received packets: (\d+)/gm)].map(([, text]) => Number(text));
  const [discovers = 0, acks] = [sent[0], received[1]];
  if (acks === undefined) throw new Error(`perfdhcp: expected its statistics, found:\n${output.slice(-1500)}`);
  const dropPercent = discovers === 0 ? 100 : (100 * (discovers - acks)) / discovers;
  return { offeredRate: of.rate, rate: acks / of.seconds, dropPercent };
}

/** All machines at once, each retrying until it has its address; the seconds until the last one has. */
export async function avalanche(
  environment: BenchEnvironment,
  machines: number,
  limitSeconds: number,
): Promise<number | undefined> {
  const text = ["--scenario", "avalanche", "-R", String(machines), "-b", freshMacs(machines)];
  const output = await perfdhcp(environment, text, limitSeconds);
  const seconds = /It took (\d+):(\d+):([\d.]+) to provision/.exec(output);
  if (seconds === null) return undefined;
  return Number(seconds[1]) * 3600 + Number(seconds[2]) * 60 + Number(seconds[3]);
}

const wideBuffers = (environment: BenchEnvironment) => join(environment.directory, "wide-buffers.so");

/**
 * Builds the library that perfdhcp needs: it is thousands of clients on one socket, whose buffer holds 170 answers by
 * default.
 */
export function preparePerfdhcp(environment: BenchEnvironment): void {
  const source = join(import.meta.dirname, "wide-buffers.c");
  execFileSync("gcc", ["-O2", "-Wall", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", wideBuffers(environment), source]);
}

function perfdhcp(environment: BenchEnvironment, text: readonly string[], limitSeconds: number): Promise<string> {
  const [command = "", ...before] = environment.wire.inside;
  const argv = [...before, peerProgram("perfdhcp"), "-4", "-l", environment.wire.clientInterface, ...text];
  const options = { timeout: limitSeconds * 1000, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 } as const;
  const env = { ...process.env, ...peerEnvironment, LD_PRELOAD: wideBuffers(environment) };
  // Its exit status is 3 when a single exchange was lost.
  return new Promise((resolve) => {
    execFile(command, [...argv, ...pxeOptions, dhcpSite.server], { ...options, env }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}
