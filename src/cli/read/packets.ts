import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { pcapOf } from "../../contract/operator/packet-capture.ts";
import type { MachineView, PacketView } from "../../contract/operator/views.ts";
import { counted } from "../../core/bytes/counted.ts";
import type { ServerOptions } from "../api/server-options.ts";
import {
  inCsv,
  inTables,
  type Listing,
  listOptions,
  printList,
  tableOf,
  textColumn,
  timeColumn,
} from "../output/listing.ts";
import { warn } from "../output/warn.ts";

/** Adds `packets`: lists the latest packets between a machine and the Boot Server. */
export function packetsCommand(program: Command): void {
  const command = program
    .command("packets <name>")
    .description("list the latest 50 DHCP and TFTP packets of a machine")
    .option("--pcap <file>", "write them to a file for Wireshark or tcpdump instead");
  listOptions(command, packetListing).action(async (name: string, options: ServerOptions & { pcap?: string }) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const { packets } = await api.ask<{ packets: PacketView[] }>("packets", { name });
    if (options.pcap !== undefined) {
      const machine = await api.ask<MachineView>("get", { name });
      writeFileSync(options.pcap, pcapOf(packets, machine));
      warn(`wrote ${counted(packets.length, "packet")} to ${options.pcap}`);
      return;
    }
    const none = "no packets since the server started (it keeps them only in memory)";
    await printList(packetListing, { rows: packets, none }, options);
  });
}

const end = ({ address, port }: PacketView["source"]) => `${address}:${port}`;

/** The columns of `packets`. */
export const packetListing: Listing<PacketView> = {
  columns: [
    timeColumn("time", ({ atMs }) => atMs),
    textColumn("from", ({ source }) => end(source)),
    textColumn("to", ({ destination }) => end(destination)),
    textColumn("direction", ({ direction }) => direction, inCsv),
    textColumn("protocol", ({ protocol }) => protocol, inCsv),
    {
      name: "kind",
      of: ({ direction, protocol, kind }) => `${direction === "in" ? "<" : ">"} ${protocol} ${kind}`,
      in: inTables,
    },
    textColumn("message", ({ kind }) => kind, inCsv),
    textColumn("facts", ({ facts }) => facts.join(", ")),
  ],
};

/** The table that `packets` prints. */
export function packetsTable(packets: readonly PacketView[], nowMs: number, width?: number): string[] {
  return tableOf(packetListing, packets, { nowMs, ...(width === undefined ? {} : { width }) });
}
