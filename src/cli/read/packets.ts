import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { pcapOf } from "../../contract/operator/packet-capture.ts";
import type { MachineView, PacketView } from "../../contract/operator/views.ts";
import { counted } from "../../core/bytes/counted.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatTime, timeTitle } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";

/** Adds `packets`: lists the latest packets between a machine and the Boot Server. */
export function packetsCommand(program: Command): void {
  const command = program
    .command("packets <name>")
    .description("list the latest 50 DHCP and TFTP packets of a machine")
    .option("--pcap <file>", "write them to a file for Wireshark or tcpdump instead");
  serverOptions(command).action(async (name: string, options: ServerOptions & { pcap?: string }) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const { packets } = await api.ask<{ packets: PacketView[] }>("packets", { name });
    if (options.pcap !== undefined) {
      const machine = await api.ask<MachineView>("get", { name });
      writeFileSync(options.pcap, pcapOf(packets, machine));
      process.stderr.write(`wrote ${counted(packets.length, "packet")} to ${options.pcap}\n`);
    } else if (options.output === "json") printJson(packets);
    else if (packets.length > 0) print(...packetsTable(packets, Date.now()));
    else process.stderr.write("no packets since the server started (it keeps them only in memory)\n");
  });
}

/** The table that `packets` prints. */
export function packetsTable(packets: readonly PacketView[], nowMs: number, width?: number): string[] {
  const titles = [timeTitle(nowMs), "FROM", "TO", "KIND", "FACTS"];
  const end = ({ address, port }: PacketView["source"]) => `${address}:${port}`;
  const rows = packets.map((packet) => [
    formatTime(packet.atMs, nowMs),
    end(packet.source),
    end(packet.destination),
    `${packet.direction === "in" ? "<" : ">"} ${packet.protocol} ${packet.kind}`,
    packet.facts.join(", "),
  ]);
  return formatTable(titles, rows, width);
}
