import { type Command, Option } from "commander";
import type { SessionLink } from "../../contract/operator/session.ts";
import { roles } from "../../core/role.ts";
import { failure } from "../api/failure.ts";
import { changeOptions, print, type ServerOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { warn } from "../output/warn.ts";

type DashboardOptions = ServerOptions & { readonly role: string };

/** Adds `dashboard`: a link that opens the dashboard in a browser, once. */
export function dashboardCommand(program: Command): void {
  const dashboard = program
    .command("dashboard")
    .description("print a link that opens the dashboard in a browser, once and within a minute")
    .addOption(new Option("-r, --role <role>", "role of the browser's session").choices(roles).default("admin"));
  changeOptions(dashboard).action(async ({ role, ...options }: DashboardOptions) => {
    const { openApi } = await import("../api/api.ts");
    const link = await (await openApi(options)).ask<SessionLink>("createLink", { body: { role } });
    if (await printData(link, options)) return;
    const [base] = link.bases;
    if (base === undefined) {
      throw failure(
        "failed",
        "the server offers its API on the Unix socket only, so no browser can reach it",
        "set operators.addresses in the configuration, for example to [127.0.0.1], and restart the server",
      );
    }
    if (link.fingerprint !== undefined) {
      warn(`If the browser does not know the certificate, compare its SHA-256 fingerprint:\n${link.fingerprint}`);
    }
    warn(`Good once, for a minute, with the role ${role}:`);
    print(...link.bases.map((each) => each + link.path));
  });
}
