import { mayAct } from "../data/session.ts";
import { Audit } from "../machine/audit.tsx";
import { Command } from "../parts/command.tsx";
import { parameter, setParameters } from "../route/route.ts";
import { commandLine } from "../text/shell-word.ts";

/** Who changed what on the whole site. */
export function AuditScreen() {
  const about = parameter("about");
  return (
    <section>
      <h1>Audit</h1>
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault();
          setParameters({ about: String(new FormData(event.currentTarget).get("about") ?? "").trim() });
        }}
      >
        <label>
          About{" "}
          <input
            key={about}
            name="about"
            defaultValue={about}
            placeholder="a machine, a token or a stream"
            autocomplete="off"
          />
        </label>
        <button type="submit">Filter</button>
      </form>
      {mayAct("operator") ? <Audit about={about} /> : <p>The audit needs the role operator.</p>}
      <Command text={commandLine("birther", "audit", ...(about === "" ? [] : [about]))} />
    </section>
  );
}
