import { type DhcpPeer, dhcpPeers } from "./dhcp-servers.ts";
import { dhcpSite } from "./dhcp-site.ts";
import { type BenchEnvironment, runBenchmark, say } from "./environment.ts";
import { preparePeers } from "./peers.ts";
import { avalanche, preparePerfdhcp, tryRate } from "./perfdhcp.ts";

/** Percentage of lost exchanges above which a rate counts as too high. */
const dropPercentLimit = 1;
const machinesOfFleet = 4000;

type Figures = {
  /** Four-way exchanges per second at less than 1 % loss: 4,000 machines that return again and again; new machines. */
  readonly exchangesPerSecond: number;
  readonly newMachinesPerSecond: number;
  /** Seconds until the last of this number of simultaneous machines has its address; null: not within the limit. */
  readonly avalancheSeconds: { readonly [machines: string]: number | null };
  readonly cpuSeconds: number;
  readonly keeps: string;
};

/** The highest rate with little loss, found by growing steps and then by bisection. */
async function highestRate(
  firstRate: number,
  of: { readonly steps: number; readonly attempt: (rate: number) => Promise<{ rate: number; dropPercent: number }> },
): Promise<number> {
  let [good, bad, best] = [0, Number.POSITIVE_INFINITY, 0];
  let rate = firstRate;
  for (let step = 0; step < of.steps + 8; step += 1) {
    const first = await of.attempt(rate);
    // Now and then the computer takes a core away, so only a rate that fails twice is too high.
    const seen = first.dropPercent < dropPercentLimit ? first : await of.attempt(rate);
    const held = seen.dropPercent < dropPercentLimit;
    say(`  ${rate}/s offered: ${seen.rate.toFixed(0)}/s, ${seen.dropPercent.toFixed(2)} % lost`);
    if (held && seen.rate > best) best = seen.rate;
    // The generator has a limit too, and offers less than possible if far more is requested; do not continue from such
    // a rate.
    if (held && seen.rate >= rate * 0.95) good = rate;
    else bad = rate;
    if (bad === Number.POSITIVE_INFINITY) rate = Math.round(rate * 1.6);
    else if (good === 0) rate = Math.round(rate / 2);
    else if (bad / good < 1.08) break;
    else rate = Math.round((good + bad) / 2);
    if (rate < 5) break;
  }
  return Math.round(best);
}

async function figuresOf(peer: DhcpPeer, environment: BenchEnvironment): Promise<Figures> {
  const seconds = environment.quick ? 2 : 5;
  const steps = environment.quick ? 1 : 4;
  say(`${peer.name}: ${machinesOfFleet} returning machines`);
  let cpuSeconds = 0;
  let exchangesPerSecond = 0;
  {
    await using server = await peer.start(environment);
    const base = "mac=06:00:00:00:00:00";
    await tryRate(environment, { rate: peer.firstRate, machines: machinesOfFleet, seconds, base });
    const attempt = (rate: number) => tryRate(environment, { rate, machines: machinesOfFleet, seconds, base });
    exchangesPerSecond = await highestRate(peer.firstRate, { steps, attempt });
    cpuSeconds += server.cpuSeconds();
  }
  say(`${peer.name}: new machines`);
  let newMachinesPerSecond = 0;
  {
    await using server = await peer.start(environment);
    const attempt = (rate: number) => tryRate(environment, { rate, machines: Math.max(1, rate * seconds), seconds });
    newMachinesPerSecond = await highestRate(peer.firstRate, { steps, attempt });
    cpuSeconds += server.cpuSeconds();
  }
  const avalancheSeconds: { [machines: string]: number | null } = {};
  for (const machines of environment.quick ? [4000] : [4000, 20_000]) {
    await using server = await peer.start(environment);
    const took = (await avalanche(environment, machines, environment.quick ? 30 : 120)) ?? null;
    say(
      `${peer.name}: ${machines} machines at once: ${took === null ? "not finished in time" : `${took.toFixed(2)} s`}`,
    );
    avalancheSeconds[String(machines)] = took;
    cpuSeconds += server.cpuSeconds();
  }
  return { exchangesPerSecond, newMachinesPerSecond, avalancheSeconds, cpuSeconds, keeps: peer.keeps };
}

await runBenchmark({
  fileUrl: import.meta.url,
  about:
    "Four-way DHCP exchanges per second at less than 1 % loss, Birther beside Kea and dnsmasq, measured by perfdhcp;\n" +
    "and the time for 4,000 and 20,000 simultaneous machines. Each trial starts a new server.",
  addresses: [`${dhcpSite.server}/${dhcpSite.prefixLength}`],
  prepare: () => preparePeers(["kea-admin", "kea-dhcp4-server", "dnsmasq-base"], ["perfdhcp", "kea-dhcp4", "dnsmasq"]),
  measure: async (environment) => {
    await environment.wire.run([
      "ip",
      "address",
      "add",
      `${dhcpSite.client}/${dhcpSite.prefixLength}`,
      "dev",
      environment.wire.clientInterface,
    ]);
    preparePerfdhcp(environment);
    const figures: { [name: string]: Figures } = {};
    const only = process.env.BIRTHER_BENCH_ONLY?.split(",");
    for (const peer of dhcpPeers)
      if (only === undefined || only.includes(peer.name)) figures[peer.name] = await figuresOf(peer, environment);
    const best = (key: "exchangesPerSecond" | "newMachinesPerSecond") =>
      Math.max(...Object.entries(figures).flatMap(([name, each]) => (name === "ours" ? [] : [each[key]])));
    const ratioOf = (key: "exchangesPerSecond" | "newMachinesPerSecond") =>
      Math.round(((figures.ours?.[key] ?? 0) / best(key)) * 100) / 100;
    return { ...figures, ratioOfNewMachines: ratioOf("newMachinesPerSecond"), ratio: ratioOf("exchangesPerSecond") };
  },
});
