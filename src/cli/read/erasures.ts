import type { Command } from "commander";
import type { ErasureAnswer, ErasuresAnswer } from "../../contract/operator/answers/erasure.ts";
import { outcomeText } from "../../core/erasure/erasure.ts";
import { failure } from "../api/failure.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatDateTime, timeTitle } from "../output/figures.ts";
import { readSince } from "../output/since.ts";
import { formatTable } from "../output/table.ts";
import { certificateOf } from "./erasure-text.ts";

type ListOptions = ServerOptions & {
  readonly serial?: string;
  readonly machine?: string;
  readonly since?: string;
  readonly limit: string;
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
    .option("--since <time>", "from an age such as 15m, 1h, 2d, or a time such as 2026-03-01T08:00 on")
    .option("-n, --limit <count>", "maximum number of erasures", "100");
  serverOptions(list).action(async (options: ListOptions) => {
    const found = await listed(await open(options), options);
    if (options.output === "json") printJson(found);
    else if (found.length > 0) print(...erasuresTable(found));
    else process.stderr.write("no erasure is recorded that fits: each birth, rebirth and clean records its disks\n");
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
    else if (options.output === "json") printJson(erasure);
    else print(...certificateOf(erasure));
  });
}

/** Pages of a thousand, until enough are found. */
async function listed(
  api: { readonly ask: <T>(route: "erasures", parts: object) => Promise<T> },
  { serial, machine, since, limit }: ListOptions,
): Promise<readonly ErasureAnswer[]> {
  const wanted = Number(limit);
  if (!Number.isInteger(wanted) || wanted < 1)
    throw failure("misused", `--limit: expected a count such as 100, found ${limit}`);
  const sinceMs = since === undefined ? undefined : String(Math.max(0, Math.round(readSince(since))));
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

/** The table that `erasures` prints. */
export function erasuresTable(found: readonly ErasureAnswer[]): string[] {
  const rows = found.map(({ id, atMs, machine, facts }) => [
    formatDateTime(atMs),
    id,
    facts?.machine.hostname ?? machine,
    facts?.disk.serial || facts?.disk.wwn || "-",
    facts?.disk.model || "-",
    facts?.action ?? "-",
    facts === undefined ? "written by a newer server" : outcomeText(facts.outcome),
  ]);
  return formatTable([timeTitle(), "ID", "MACHINE", "SERIAL", "MODEL", "BY", "OUTCOME"], rows);
}
