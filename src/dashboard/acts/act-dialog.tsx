import { useSignal } from "@preact/signals";
import type { BatchAnswer } from "../../contract/operator/answers/batch.ts";
import { reasonLimit } from "../../contract/operator/routes/route.ts";
import { counted } from "../../core/bytes/counted.ts";
import { type Answer, send } from "../data/http.ts";
import { Command } from "../parts/command.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { FaultNote } from "../parts/fault.tsx";
import {
  type ActChoice,
  type ActForm,
  actChoices,
  actCommand,
  bodyOf,
  emptyForm,
  sanitizeChoices,
} from "./act-form.ts";
import { acting } from "./acting.ts";
import { DryRun, Outcome } from "./dry-run.tsx";

type Step =
  | { readonly kind: "form" }
  /** With the form that was asked about: the fields may have changed before the answer came. */
  | { readonly kind: "foreseen"; readonly foreseen: BatchAnswer; readonly form: ActForm }
  | { readonly kind: "done"; readonly done: BatchAnswer };

/** Acts on machines: choose, see what would happen to each, confirm by their number, see what happened. */
export function ActDialog({ targets }: { targets: readonly { readonly id: string; readonly name: string }[] }) {
  const form = useSignal<ActForm>(emptyForm);
  const step = useSignal<Step>({ kind: "form" });
  const fault = useSignal<Extract<Answer<never>, { kind: "fault" }>["fault"] | undefined>(undefined);
  const busy = useSignal(false);
  const ask = async (asked: ActForm, ids: readonly string[], dryRun: boolean) => {
    busy.value = true;
    fault.value = undefined;
    const body = { ...bodyOf(asked), select: { names: ids }, dryRun };
    const answer = await send<BatchAnswer>("/v1/batch", { method: "POST", body, reason: asked.reason });
    busy.value = false;
    if (answer.kind === "fault") fault.value = answer.fault;
    else if (dryRun) step.value = { kind: "foreseen", foreseen: answer.value, form: asked };
    else step.value = { kind: "done", done: answer.value };
  };
  const close = () => {
    acting.value = undefined;
  };
  const names = targets.map(({ name }) => name);
  const now = step.value;
  return (
    <Dialog
      title={targets.length === 1 ? `Act on ${names[0]}` : `Act on ${counted(targets.length, "machine")}`}
      onClose={close}
    >
      {now.kind === "form" ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void ask(
              form.value,
              targets.map(({ id }) => id),
              true,
            );
          }}
        >
          <Choices
            form={form.value}
            onChange={(next) => {
              form.value = next;
            }}
          />
          <button type="submit" disabled={busy.value}>
            Show what would happen
          </button>
        </form>
      ) : null}
      {now.kind === "foreseen" ? (
        <DryRun
          foreseen={now.foreseen}
          form={now.form}
          busy={busy.value}
          onBack={() => {
            step.value = { kind: "form" };
          }}
          onConfirm={(ids) => void ask(now.form, ids, false)}
        />
      ) : null}
      {now.kind === "done" ? <Outcome done={now.done} onClose={close} /> : null}
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      <Command text={actCommand(now.kind === "foreseen" ? now.form : form.value, names)} />
    </Dialog>
  );
}

function Choices({ form, onChange }: { form: ActForm; onChange: (form: ActForm) => void }) {
  const choice: ActChoice = actChoices[form.action];
  return (
    <>
      <fieldset>
        <legend>Action</legend>
        {Object.entries(actChoices).map(([action, { does }]) => (
          <label key={action} class="choice">
            <input
              type="radio"
              name="action"
              checked={form.action === action}
              onChange={() => onChange({ ...form, action: action as ActForm["action"] })}
            />
            <strong>{action}</strong> {does}
          </label>
        ))}
      </fieldset>
      <label>
        {choice.keepsReason === "required" ? "Reason" : "Reason, for the audit"}
        <input
          value={form.reason}
          required={choice.keepsReason === "required"}
          maxLength={reasonLimit}
          onInput={(event) => onChange({ ...form, reason: event.currentTarget.value })}
        />
      </label>
      {choice.choosesDisks === true ? <DiskChoices form={form} onChange={onChange} /> : null}
      {choice.sendsAway === true ? (
        <label class="choice">
          <input
            type="checkbox"
            checked={form.override}
            onChange={(event) => onChange({ ...form, override: event.currentTarget.checked })}
          />
          exceed the blast radius
        </label>
      ) : null}
      {choice.sendsAway === true ? (
        <label class="choice">
          <input
            type="checkbox"
            checked={form.restart}
            onChange={(event) => onChange({ ...form, restart: event.currentTarget.checked })}
          />
          also while a rebirth or clean is running: it stops and begins anew
        </label>
      ) : null}
    </>
  );
}

function DiskChoices({ form, onChange }: { form: ActForm; onChange: (form: ActForm) => void }) {
  return (
    <>
      <label>
        How to erase
        <select
          value={form.sanitize}
          onChange={(event) => onChange({ ...form, sanitize: event.currentTarget.value as ActForm["sanitize"] })}
        >
          {Object.entries(sanitizeChoices).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label class="choice">
        <input
          type="checkbox"
          checked={form.allDisks}
          onChange={(event) => onChange({ ...form, allDisks: event.currentTarget.checked })}
        />
        erase all other disks that stay in the machine, too
      </label>
    </>
  );
}
