import { mayAct } from "../data/session.ts";
import { Audit } from "../machine/audit.tsx";
import { Command } from "../parts/command.tsx";
import { type FilterField, FilterForm } from "../parts/filter-form.tsx";
import { parameter } from "../route/route.ts";
import { commandLine } from "../text/shell-word.ts";

const fields: readonly FilterField[] = [
  { parameter: "about", label: "About", placeholder: "a machine, a token or a stream" },
  { parameter: "request", label: "Request", placeholder: "its id" },
];

/** Who changed what on the whole site. */
export function AuditScreen() {
  const about = parameter("about");
  const request = parameter("request");
  const words = [...(about === "" ? [] : [about]), ...(request === "" ? [] : ["--request", request])];
  return (
    <section>
      <h1>Audit</h1>
      <FilterForm fields={fields}>
        <button type="submit">Filter</button>
      </FilterForm>
      {mayAct("operator") ? <Audit about={about} request={request} /> : <p>The audit needs the role operator.</p>}
      <Command text={commandLine("birther", "audit", ...words)} />
    </section>
  );
}
