import type { Command } from "commander";
import type { NetworkView } from "../../contract/operator/views.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatDuration } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";

/** Adds `networks`: where machines are answered, and what stands in the way of it. */
export function networksCommand(program: Command): void {
  const command = program
    .command("networks")
    .description("the networks: addresses in use, exhausted pools, addresses that another host uses, counts");
  serverOptions(command).action(async (options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const { networks } = await (await openApi(options)).ask<{ networks: NetworkView[] }>("networks");
    if (options.output === "json") printJson(networks);
    else print(...networksText(networks, Date.now()));
  });
}

/** A table of the networks, and a line for each thing that somebody has to look after. */
export function networksText(networks: readonly NetworkView[], nowMs: number): string[] {
  const titles = ["NETWORK", "MODE", "HEARD BY", "POOL", "HELD", "RECEIVED", "ANSWERED", "MALFORMED", "UNANSWERED"];
  const rows = networks.map(
    ({ name, mode, notServed, interface: device, pool, received, answered, malformed, unanswered }) => [
      name,
      notServed === undefined ? mode : `${mode}: NOT SERVED`,
      device ?? "relays",
      `${pool.first}-${pool.last}`,
      `${pool.held} of ${pool.size}`,
      String(received),
      String(answered),
      countsText(malformed),
      countsText(unanswered),
    ],
  );
  return [...formatTable(titles, rows), ...networks.flatMap((network) => troublesOf(network, nowMs))];
}

function countsText(counts: { readonly [kind: string]: number }): string {
  const parts = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`);
  return parts.join(", ") || "-";
}

function troublesOf({ name, pool, declined, ...network }: NetworkView, nowMs: number): string[] {
  const lines = foreignText(name, network);
  lines.push(
    ...declined.map(
      ({ address, mac, untilMs }) =>
        `${name}: ${address} is out of use for another ${formatDuration(Math.max(0, untilMs - nowMs))}: ${mac} found another host there`,
    ),
  );
  if (pool.exhaustedSinceMs === undefined) return lines;
  const since = formatDuration(Math.max(0, nowMs - pool.exhaustedSinceMs));
  return [
    `${name}: the pool has been exhausted for ${since}, ${pool.refused} requests went without an address: enlarge temporaryPool`,
    ...lines,
  ];
}

/** Another DHCP server that was heard, and what it means. */
export function foreignText(name: string, network: Pick<NetworkView, "foreignDhcp" | "notServed" | "mode">): string[] {
  const { foreignDhcp: foreign, notServed, mode } = network;
  if (foreign === undefined) return [];
  const who = `DHCP server ${foreign.address}${foreign.mac === undefined ? "" : ` (${foreign.mac})`}`;
  if (notServed !== undefined) return [`${name}: not served, because of ${who}: ${notServed}`];
  return [mode === "full" ? `${name}: ${who} is there, too, which is allowed` : `${name}: ${who} leases the addresses`];
}
