import { existsSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import { pcapOf } from "../../contract/operator/packet-capture.ts";
import type { ChangeView, LogView, MachineView, PacketView, StatusView } from "../../contract/operator/views.ts";
import { escapeCommands, plainText } from "../../core/bytes/plain-text.ts";
import { failure } from "../api/failure.ts";
import { locationOptions, type ServerOptions } from "../api/server-options.ts";
import { factsWithoutSecrets, packetWithoutSecrets, withoutSecrets } from "../output/redact.ts";
import { warn } from "../output/warn.ts";

/** Events in a report: those of several births. */
const eventLimit = 1000;

/** Adds `report`: writes everything known of a machine into one archive, without secrets. */
export function reportCommand(program: Command): void {
  const command = program
    .command("report <name>")
    .description("write an archive with record, hardware, events, log and packets of a machine, for a bug report")
    .option("--file <file>", "the archive to write (default: NAME-report.tar.gz in this directory)");
  locationOptions(command).action(async (name: string, options: ServerOptions & { file?: string }) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const machine = await api.ask<MachineView>("get", { name });
    const { lines: kept } = await api.ask<LogView>("log", { name });
    const lines = kept.map(({ atMs, text }) => `${new Date(atMs).toISOString()} ${text}`);
    const { events } = await api.ask<{ events: ChangeView[] }>("events", { name, query: { limit: `${eventLimit}` } });
    const { packets } = await api.ask<{ packets: PacketView[] }>("packets", { name });
    const status = await api.ask<StatusView>("status");
    const members = reportMembers({ machine, lines, events, packets, status });
    const file = options.file ?? `${machine.hostname ?? machine.id}-report.tar.gz`;
    refuseExisting(file);
    writeFileSync(file, gzipSync(await archiveOf(members)), { mode: 0o600, flag: "wx" });
    warn(`wrote ${file}: read it before you send it; addresses and names of your site are in it`);
  });
}

function refuseExisting(file: string): void {
  if (existsSync(file))
    throw failure("failed", `${file}: expected no file of this name, found one`, "choose another name with --file");
}

/** What the server knows of a machine. */
export type ReportFacts = {
  readonly machine: MachineView;
  readonly lines: readonly string[];
  readonly events: readonly ChangeView[];
  readonly packets: readonly PacketView[];
  readonly status: StatusView;
};

/** The files of a report by name, without secrets. */
export function reportMembers({ machine, lines, events, packets, status }: ReportFacts): Map<string, Uint8Array> {
  const json = (value: unknown) =>
    Buffer.from(`${escapeCommands(JSON.stringify(factsWithoutSecrets(value), null, 2))}\n`);
  const clean = packets.map(packetWithoutSecrets);
  const { hardware = {}, ...record } = machine;
  return new Map<string, Uint8Array>([
    ["server.json", json({ version: status.version, startedAtMs: status.startedAtMs, nowMs: status.nowMs })],
    ["record.json", json(record)],
    ["hardware.json", json(hardware)],
    ["events.json", json(events)],
    ["log.txt", Buffer.from(lines.map((line) => `${plainText(withoutSecrets(line))}\n`).join(""))],
    ["packets.json", json(clean)],
    ["packets.pcap", pcapOf(clean, machine)],
  ]);
}

async function archiveOf(members: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const { pack } = await import("tar-stream");
  const archive = pack();
  for (const [name, bytes] of members) archive.entry({ name: `birther-report/${name}` }, Buffer.from(bytes));
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(Buffer.from(piece as Uint8Array));
  return Buffer.concat(pieces);
}
