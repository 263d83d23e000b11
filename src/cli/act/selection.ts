import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import type { Api } from "../api/api.ts";

/** Which machines a verb means, beside those that it names. */
export type SelectionOptions = { readonly labels?: string; readonly where?: string };

/** Adds `-l` and `-w`. */
export function selectionOptions(command: Command): Command {
  return command
    .option("-l, --labels <selector>", "those with these tags: role=web, rack!=7, 'site in (a,b)', urgent, !old")
    .option(
      "-w, --where <selector>",
      "those with these facts: state=birth, condition=failing, 'rack in (7,8)', image=…",
    );
}

/** Asks for pages until there is none left, more than a million machines being no fleet that a person lists. */
const pageLimit = 1000;
const machinesPerPage = 1000;

/** All machines that a query selects, by name. */
export async function listMachines(
  api: Api,
  query: SelectionOptions & { readonly fields?: string },
): Promise<MachineView[]> {
  const machines: MachineView[] = [];
  let from: string | undefined;
  for (let page = 0; page < pageLimit; page += 1) {
    const asked = { labels: query.labels, where: query.where, fields: query.fields, continue: from };
    const answer = await api.ask<{ machines: MachineView[]; continue?: string }>("list", {
      query: { ...asked, limit: String(machinesPerPage) },
    });
    machines.push(...answer.machines);
    from = answer.continue;
    if (from === undefined) break;
  }
  const { compare } = new Intl.Collator("en", { numeric: true });
  return machines.sort((a, b) => compare(a.hostname ?? a.id, b.hostname ?? b.id));
}
