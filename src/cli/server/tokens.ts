import { type Command, Option } from "commander";
import type { TokenView } from "../../contract/operator/token.ts";
import { counted } from "../../core/bytes/counted.ts";
import { roles } from "../../core/role.ts";
import { failure } from "../api/failure.ts";
import { changeOptions, print, type ServerOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { formatTime, formatTimeZone, timeTitle } from "../output/figures.ts";
import {
  inCsv,
  inTables,
  isoTime,
  type Listing,
  listOptions,
  printList,
  textColumn,
  timeColumn,
} from "../output/listing.ts";
import { chosenRows, type RowOptions, rowOptions } from "../output/row-options.ts";
import { warn } from "../output/warn.ts";

type CreateOptions = ServerOptions & { readonly role: string; readonly expires?: string };

/** Adds `tokens create|list|revoke|end-sessions`: access for callers on other machines. */
export function tokensCommand(program: Command): void {
  const tokens = program.command("tokens").description("manage the tokens of callers on other machines");
  const open = async (options: ServerOptions) => (await import("../api/api.ts")).openApi(options);

  const create = tokens
    .command("create <name>")
    .description("create a token and print it once; the audit records its name with each change")
    .addOption(
      new Option("-r, --role <role>", "viewer reads, operator changes machines, admin also manages tokens")
        .choices(roles)
        .makeOptionMandatory(),
    )
    .option("-e, --expires <time>", "validity: 90d, 12h, 30m (default: until it is revoked)");
  changeOptions(create).action(async (name: string, { role, expires, ...options }: CreateOptions) => {
    const expiresSeconds = expires === undefined ? undefined : secondsOf(expires);
    const body = { name, role, expiresSeconds };
    const made = await (await open(options)).ask<TokenView & { token: string }>("createToken", { body });
    if (!(await printData(made, options))) {
      warn(`${name} has the role ${role} ${untilWhen(made)}; the token is shown only once:`);
      print(made.token);
    }
  });

  const list = tokens.command("list").description("list the tokens and their last use");
  rowOptions(list, tokenListing, "tokens");
  listOptions(list, tokenListing).action(async (options: ServerOptions & RowOptions) => {
    const answer = await (await open(options)).ask<{ tokens: TokenView[] }>("tokens");
    const none = "no tokens yet; to create one: birther tokens create NAME --role ROLE";
    await printList(tokenListing, { rows: chosenRows(tokenListing, answer.tokens, options), none }, options);
  });

  const endSessions = tokens
    .command("end-sessions")
    .description("end the sessions of all browsers: each has to log in again; tokens stay valid");
  changeOptions(endSessions).action(async (options: ServerOptions) => {
    const done = await (await open(options)).ask<{ ended: number }>("closeSessions");
    if (!(await printData(done, options))) print(`${counted(done.ended, "session")} ended`);
  });

  const revoke = tokens.command("revoke <name>").description("revoke a token immediately");
  changeOptions(revoke).action(async (name: string, options: ServerOptions) => {
    const done = await (await open(options)).ask<{ name: string }>("revokeToken", { name });
    if (!(await printData(done, options))) print(`${name}: revoked`);
  });
}

/** The columns of `tokens list`. */
export const tokenListing: Listing<TokenView> = {
  named: "name",
  columns: [
    textColumn("name", ({ name }) => name),
    textColumn("role", ({ role }) => role),
    {
      name: "expires",
      title: (nowMs) => timeTitle(nowMs, "EXPIRES"),
      of: ({ expiresAtMs }, nowMs) =>
        expiresAtMs === undefined
          ? "never"
          : `${expiresAtMs <= nowMs ? "EXPIRED " : ""}${formatTime(expiresAtMs, nowMs)}`,
      value: ({ expiresAtMs }) => isoTime(expiresAtMs),
    },
    {
      name: "lastUsed",
      title: (nowMs) => timeTitle(nowMs, "LAST USED"),
      of: ({ lastUsedAtMs }, nowMs) => (lastUsedAtMs === undefined ? "never" : formatTime(lastUsedAtMs, nowMs)),
      value: ({ lastUsedAtMs }) => isoTime(lastUsedAtMs),
    },
    {
      name: "created by",
      title: (nowMs) => timeTitle(nowMs, "CREATED"),
      of: ({ createdAtMs, createdBy }, nowMs) => `${formatTime(createdAtMs, nowMs)} by ${createdBy}`,
      in: inTables,
    },
    timeColumn("created", ({ createdAtMs }) => createdAtMs, inCsv),
    textColumn("createdBy", ({ createdBy }) => createdBy, inCsv),
  ],
};

const unitSeconds: { readonly [unit: string]: number } = { m: 60, h: 3600, d: 86_400 };

function secondsOf(text: string): number {
  const [, count, unit = ""] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (count === undefined)
    throw failure("misused", `--expires: expected a time such as 90d, 12h or 30m, found ${text}`);
  return Number(count) * (unitSeconds[unit] ?? 0);
}

function untilWhen({ expiresAtMs }: TokenView): string {
  return expiresAtMs === undefined ? "until it is revoked" : `until ${formatTimeZone(expiresAtMs)}`;
}
