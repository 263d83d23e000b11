import type { Command } from "commander";
import type { Actions, AuthorityChange, TrustReport } from "../act/actions.ts";
import { print, reasonOption } from "../api/server-options.ts";
import { formatTable } from "../output/table.ts";

type AuthorityOptions = { readonly config: string; readonly override?: boolean; readonly reason?: string };

const about: { readonly [C in AuthorityChange]: string } = {
  show: "list the certificate authorities that machines trust, and the machines that are behind",
  add: "make another authority, which machines trust from their next poll on",
  switch: "let the added authority issue the server's certificate from the next start on",
  retire: "trust the former authority no longer",
};

const next: { readonly [C in AuthorityChange]: string } = {
  show: "",
  add: "Start the server. When all machines trust both, stop it and run: birther authority switch",
  switch: "Start the server. When it works, stop it and run: birther authority retire",
  retire: "Start the server. Machines forget the former authority with their next poll",
};

/** Machines to name in one report. */
const shown = 10;

/** Adds `authority show|add|switch|retire`. */
export function authorityCommand(program: Command, { changeAuthorities }: Pick<Actions, "changeAuthorities">): void {
  const authority = program
    .command("authority")
    .description("replace the certificate authority of a fleet without a rebirth; the server is stopped for each step");
  for (const change of Object.keys(about) as readonly AuthorityChange[]) {
    const command = authority
      .command(change)
      .description(about[change])
      .requiredOption("-c, --config <file>", "configuration file of the server");
    if (change !== "show") reasonOption(command);
    if (change === "switch") command.option("--override", "leave machines behind that do not trust it", false);
    command.action(async (options: AuthorityOptions) => {
      const { readConfigFile } = await import("./config-file.ts");
      const { config } = await readConfigFile(options.config);
      const report = await changeAuthorities({
        ...{ config, change, override: options.override === true },
        reason: options.reason,
      });
      print(...describeTrust(report));
      if (next[change] !== "") print(next[change]);
    });
  }
}

function describeTrust({ authorities, installed, behind }: TrustReport): readonly string[] {
  const rows = authorities.map(({ role, fingerprint, file }) => [role, file, fingerprint]);
  const trusting = `${installed - behind.length} of ${installed} installed machines trust exactly these`;
  const names = behind.length === 0 ? "" : `; behind: ${behind.slice(0, shown).join(" ")}`;
  const more = behind.length > shown ? ` and ${behind.length - shown} more` : "";
  // Fingerprints are long, so the last column is never cut.
  return [
    ...formatTable(["ROLE", "FILE", "FINGERPRINT"], rows, Number.POSITIVE_INFINITY),
    `${trusting}${names}${more}`,
  ];
}
