import { mayAct } from "../data/session.ts";
import { Audit } from "../machine/audit.tsx";
import { Command } from "../parts/command.tsx";
import { type FilterField, FilterForm } from "../parts/filter-form.tsx";
import { parameter } from "../route/route.ts";
import { commandLine } from "../text/shell-word.ts";

const fields: readonly FilterField[] = [
  { parameter: "about", label: "About", placeholder: "a machine, a token or a stream" },
];

/** Who changed what on the whole site. */
export function AuditScreen() {
  const about = parameter("about");
  return (
    <section>
      <h1>Audit</h1>
      <FilterForm fields={fields}>
        <button type="submit">Filter</button>
      </FilterForm>
      {mayAct("operator") ? <Audit about={about} /> : <p>The audit needs the role operator.</p>}
      <Command text={commandLine("birther", "audit", ...(about === "" ? [] : [about]))} />
    </section>
  );
}
