import type { Command } from "commander";
import type { ErasureAnswer, ErasuresAnswer } from "../../contract/operator/answers/erasure.ts";
import { outcomeText } from "../../core/erasure/erasure.ts";
import { failure } from "../api/failure.ts";
import { print, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { formatDateTime } from "../output/figures.ts";
import { limitOption } from "../output/limit.ts";
import {
  countColumn,
  inWide,
  type Listing,
  listOptions,
  printList,
  textColumn,
  timeColumn,
} from "../output/listing.ts";
import { sinceOption } from "../output/since.ts";
import { certificateOf } from "./erasure-text.ts";

type ListOptions = ServerOptions & {
  readonly serial?: string;
  readonly machine?: string;
  readonly since?: number;
  readonly limit: number;
};
type ShowOptions = ServerOptions & {
  readonly certificate?: true;
  readonly statement?: true;
  readonly signature?: true;
};

/** Adds `erasures list|show`: what was erased on which disk, and the proof of it. */
export function erasuresCommand(program: Command): void {
  const erasures = program
    .command("erasures")
    .description("list what was erased on which disk, and print certificates signed by the authority");
  const open = async (options: ServerOptions) => (await import("../api/api.ts")).openApi(options);

  const list = erasures
    .command("list", { isDefault: true })
    .description("list erasures, newest first, also of retired machines (-o json to export, signatures included)")
    .option("--serial <serial>", "only of the disk with this serial number or WWN")
    .option("--machine <name>", "only of this machine; a retired one by its id")
    .addOption(sinceOption("from an age such as 15m, 1h, 2d, or a time such as 2026-03-01T08:00 on"))
    .addOption(limitOption("erasures", "maximum number of erasures").default(100));
  listOptions(list, erasureListing).action(async (options: ListOptions) => {
    const found = await listed(await open(options), options);
    const none = "no erasure is recorded that fits: each birth, rebirth and clean records its disks";
    await printList(erasureListing, { rows: found, none }, options);
  });

  const show = erasures
    .command("show <id>")
    .description("show one erasure")
    .option("--certificate", "as a page to print")
    .option("--statement", "the text that was signed, byte by byte, for openssl")
    .option("--signature", "the signature in base64, for openssl");
  serverOptions(show).action(async (id: string, options: ShowOptions) => {
    const erasure = await (await open(options)).ask<ErasureAnswer>("erasure", { name: id });
    if (options.statement === true) process.stdout.write(erasure.statement);
    else if (options.signature === true) print(signatureOf(erasure));
    else if (!(await printData(erasure, options))) print(...certificateOf(erasure));
  });
}

/** Pages of a thousand, until enough are found. */
async function listed(
  api: { readonly ask: <T>(route: "erasures", parts: object) => Promise<T> },
  { serial, machine, since, limit: wanted }: ListOptions,
): Promise<readonly ErasureAnswer[]> {
  const sinceMs = since === undefined ? undefined : String(Math.max(0, Math.round(since)));
  const found: ErasureAnswer[] = [];
  let before: string | undefined;
  do {
    const query = { serial, machine, sinceMs, before, limit: String(Math.min(1000, wanted - found.length)) };
    const page = await api.ask<ErasuresAnswer>("erasures", { query });
    found.push(...page.erasures);
    before = page.before === undefined ? undefined : String(page.before);
  } while (before !== undefined && found.length < wanted);
  return found;
}

function signatureOf({ id, signature }: ErasureAnswer): string {
  if (signature === undefined) throw failure("failed", `${id}: expected a signature, found none`);
  return signature.value;
}

/** The columns of `erasures`. */
export const erasureListing: Listing<ErasureAnswer> = {
  named: "id",
  columns: [
    // With the date even of today: such a list is filed.
    { ...timeColumn<ErasureAnswer>("time", ({ atMs }) => atMs), of: ({ atMs }) => formatDateTime(atMs) },
    textColumn("id", ({ id }) => id),
    textColumn("machine", ({ machine, facts }) => facts?.machine.hostname ?? machine),
    textColumn("machineId", ({ machine }) => machine, inWide),
    textColumn("serial", ({ facts }) => facts?.disk.serial || facts?.disk.wwn),
    textColumn("model", ({ facts }) => facts?.disk.model),
    textColumn("wwn", ({ facts }) => facts?.disk.wwn, inWide),
    countColumn("bytes", ({ facts }) => facts?.disk.sizeBytes, inWide),
    textColumn("by", ({ facts }) => facts?.action),
    {
      name: "outcome",
      of: ({ facts }) => (facts === undefined ? "written by a newer server" : outcomeText(facts.outcome)),
      value: ({ facts }) => facts?.outcome.kind,
    },
  ],
};
