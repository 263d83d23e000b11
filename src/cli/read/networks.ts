import type { Command } from "commander";
import type { NetworkView } from "../../contract/operator/views.ts";
import { counted, formatCount } from "../../core/bytes/counted.ts";
import { reasonCounts } from "../../core/pxe/reason-text.ts";
import type { ServerOptions } from "../api/server-options.ts";
import { formatDuration } from "../output/figures.ts";
import {
  countColumn,
  inCsv,
  inTables,
  inWide,
  type Listing,
  listOptions,
  printList,
  tableOf,
  textColumn,
  timeColumn,
} from "../output/listing.ts";
import { chosenRows, type RowOptions, rowOptions } from "../output/row-options.ts";

/** Adds `networks`: lists the networks and their problems. */
export function networksCommand(program: Command): void {
  const command = program
    .command("networks")
    .description(
      "list the networks: counters, addresses in use, exhausted pools, address conflicts, other DHCP servers",
    );
  rowOptions(command, networkListing, "networks");
  listOptions(command, networkListing).action(async (options: ServerOptions & RowOptions) => {
    const { openApi } = await import("../api/api.ts");
    const answer = await (await openApi(options)).ask<{ networks: NetworkView[] }>("networks");
    const networks = chosenRows(networkListing, answer.networks, options);
    const below = answer.networks.flatMap((network) => problemsOf(network, Date.now()));
    await printList(networkListing, { rows: networks, below, none: "this server has no networks" }, options);
  });
}

/** The columns of `networks`. */
export const networkListing: Listing<NetworkView> = {
  named: "network",
  columns: [
    textColumn("network", ({ name }) => name),
    {
      name: "mode",
      of: ({ mode, notServed }) => (notServed === undefined ? mode : `${mode}: NOT SERVED`),
      value: ({ mode }) => mode,
    },
    { name: "interface", of: ({ interface: device }) => device ?? "relays", value: ({ interface: device }) => device },
    { name: "nursery", of: ({ nursery }) => (nursery ? "yes" : "no"), value: ({ nursery }) => nursery, in: inWide },
    { name: "pool", of: ({ pool }) => `${pool.first}-${pool.last}`, in: inTables },
    textColumn("poolFirst", ({ pool }) => pool.first, inCsv),
    textColumn("poolLast", ({ pool }) => pool.last, inCsv),
    {
      name: "in use",
      of: ({ pool }) => `${formatCount(pool.held)} of ${formatCount(pool.size)}`,
      in: inTables,
    },
    countColumn("poolHeld", ({ pool }) => pool.held, inCsv),
    countColumn("poolSize", ({ pool }) => pool.size, inCsv),
    timeColumn("poolExhaustedSince", ({ pool }) => pool.exhaustedSinceMs, inCsv),
    countColumn("poolRefused", ({ pool }) => pool.refused ?? 0, inCsv),
    countColumn("received", ({ received }) => received),
    countColumn("answered", ({ answered }) => answered),
    textColumn("malformed", ({ malformed }) => reasonCounts(malformed, "")),
    textColumn("unanswered", ({ unanswered }) => reasonCounts(unanswered, "")),
    textColumn("declined", ({ declined }) => declined.map(({ address }) => address).join(" "), inCsv),
    textColumn("foreignDhcp", ({ foreignDhcp }) => foreignDhcp?.address, inCsv),
    textColumn("notServed", ({ notServed }) => notServed, inCsv),
  ],
};

/** A table of the networks, and one line for each problem that needs an operator. */
export function networksText(networks: readonly NetworkView[], nowMs: number, width?: number): string[] {
  const table = tableOf(networkListing, networks, { nowMs, ...(width === undefined ? {} : { width }) });
  return [...table, ...networks.flatMap((network) => problemsOf(network, nowMs))];
}

function problemsOf({ name, pool, declined, ...network }: NetworkView, nowMs: number): string[] {
  const lines = [...foreignText(name, network), ...unsupportedText(name, network)];
  if (network.doubtedArp !== undefined) {
    const { answers, mac, lastMs } = network.doubtedArp;
    const ago = formatDuration(Math.max(0, nowMs - lastMs));
    lines.push(
      `${name}: ${counted(answers, "answer to ARP was", "answers to ARP were")} not believed, the last of ${mac} ${ago} ago: find the host that answers for many addresses (proxy ARP, or an attack)`,
    );
  }
  lines.push(
    ...declined.map(
      ({ address, mac, untilMs }) =>
        `${name}: ${address} is not leased for another ${formatDuration(Math.max(0, untilMs - nowMs))}: ${mac} found another host there`,
    ),
  );
  if (pool.exhaustedSinceMs === undefined) return lines;
  const since = formatDuration(Math.max(0, nowMs - pool.exhaustedSinceMs));
  return [
    `${name}: the pool has been exhausted for ${since}, and ${counted(pool.refused ?? 0, "request")} got no address: enlarge temporaryPool`,
    ...lines,
  ];
}

/** What is sent to a network and not supported, by the reason under which it is counted. */
const unsupported: { readonly [why: string]: string } = {
  taggedVlan:
    "requests with a VLAN tag, which is not supported: make this network the native (untagged) VLAN of the machines' ports",
  infiniBand: "requests over InfiniBand, which is not supported: boot these machines from an Ethernet NIC",
};

function unsupportedText(name: string, { unanswered }: Pick<NetworkView, "unanswered">): string[] {
  return Object.entries(unsupported).flatMap(([why, text]) => {
    const count = unanswered[why];
    return count === undefined ? [] : [`${name}: ${count} ${text}`];
  });
}

/** The line about another DHCP server on a network, if one was detected. */
export function foreignText(name: string, network: Pick<NetworkView, "foreignDhcp" | "notServed" | "mode">): string[] {
  const { foreignDhcp: foreign, notServed, mode } = network;
  if (foreign === undefined) return [];
  const who = `DHCP server ${foreign.address}${foreign.mac === undefined ? "" : ` (${foreign.mac})`}`;
  if (notServed !== undefined) return [`${name}: not served because of ${who}: ${notServed}`];
  return [
    mode === "full"
      ? `${name}: ${who} is also active, which allowForeignDhcp permits`
      : `${name}: ${who} leases the addresses`,
  ];
}
