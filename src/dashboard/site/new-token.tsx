import { useSignal } from "@preact/signals";
import { reasonLimit } from "../../contract/operator/routes/route.ts";
import type { TokenView } from "../../contract/operator/token.ts";
import { roles } from "../../core/role.ts";
import { type Fault, send } from "../data/http.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";

type Made = TokenView & { readonly token: string };

/** Creates a token and shows it once. */
export function NewToken({ onMade }: { onMade: () => Promise<void> }) {
  const made = useSignal<Made | undefined>(undefined);
  const fault = useSignal<Fault | undefined>(undefined);
  const isBusy = useSignal(false);
  const create = async (form: HTMLFormElement) => {
    isBusy.value = true;
    const data = new FormData(form);
    const days = Number(data.get("days"));
    const expires = days > 0 ? { expiresSeconds: days * 86_400 } : {};
    const body = { name: data.get("name"), role: data.get("role"), ...expires };
    const answer = await send<Made>("/v1/tokens", { method: "POST", body, reason: String(data.get("reason") ?? "") });
    isBusy.value = false;
    if (answer.kind === "answer") made.value = answer.value;
    fault.value = answer.kind === "fault" ? answer.fault : undefined;
    if (answer.kind === "answer") form.reset();
    await onMade();
  };
  return (
    <>
      <h2>New token</h2>
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault();
          void create(event.currentTarget);
        }}
      >
        <label>
          Name <input name="name" required autocomplete="off" pattern="[a-z0-9]([a-z0-9\-]{0,38}[a-z0-9])?" />
        </label>
        <label>
          Role{" "}
          <select name="role">
            {roles.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        </label>
        <label>
          Days until it expires <input name="days" type="number" min="1" max="3650" placeholder="never" />
        </label>
        <label>
          Reason, for the audit <input name="reason" maxLength={reasonLimit} autocomplete="off" />
        </label>
        <button type="submit" disabled={isBusy.value}>
          Create
        </button>
      </form>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      <Command text="birther tokens create NAME --role viewer --expires 90d --reason TEXT" />
      {made.value === undefined ? null : (
        <div role="status">
          <p>{made.value.name}: this is shown only once.</p>
          <Command text={made.value.token} />
        </div>
      )}
    </>
  );
}
