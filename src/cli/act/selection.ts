import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import type { Api } from "../api/api.ts";

/** The selectors of machines, as an alternative to names. */
export type SelectionOptions = { readonly labels?: string; readonly where?: string };

/** Adds `-l` and `-w`. */
export function selectionOptions(command: Command): Command {
  return command
    .option("-l, --labels <selector>", "select by tags: role=web, rack!=7, 'site in (a,b)', urgent, !old")
    .option("-w, --where <selector>", "select by facts: state=birth, condition=failing, 'rack in (7,8)', image=…");
}

/** Maximum number of pages: a list of a million machines is longer than anyone reads. */
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
    const filter = { labels: query.labels, where: query.where, fields: query.fields, continue: from };
    const answer = await api.ask<{ machines: MachineView[]; continue?: string }>("list", {
      query: { ...filter, limit: String(machinesPerPage) },
    });
    machines.push(...answer.machines);
    from = answer.continue;
    if (from === undefined) break;
  }
  const { compare } = new Intl.Collator("en", { numeric: true });
  return machines.sort((a, b) => compare(a.hostname ?? a.id, b.hostname ?? b.id));
}
