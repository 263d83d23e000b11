import { useSignal } from "@preact/signals";
import { reasonLimit } from "../../contract/operator/routes/route.ts";
import { type Fault, send } from "../data/http.ts";
import { commandLine } from "../text/shell-word.ts";
import { Command } from "./command.tsx";
import { Dialog } from "./dialog.tsx";
import { FaultNote } from "./fault.tsx";

export type ReasonDialogProps = {
  /** The act, as the button and the heading name it. */
  readonly title: string;
  /** What it does. */
  readonly does: string;
  /** What the server is asked to delete. */
  readonly path: string;
  /** The command that does the same. */
  readonly words: readonly string[];
  readonly onDone: () => void;
  readonly onClose: () => void;
};

/** Confirms an act that deletes something, with a reason for the audit. */
export function ReasonDialog({ title, does, path, words, onDone, onClose }: ReasonDialogProps) {
  const reason = useSignal("");
  const fault = useSignal<Fault | undefined>(undefined);
  const isBusy = useSignal(false);
  const confirm = async () => {
    isBusy.value = true;
    const answer = await send(path, { method: "DELETE", reason: reason.value });
    isBusy.value = false;
    fault.value = answer.kind === "fault" ? answer.fault : undefined;
    if (answer.kind === "fault") return;
    onDone();
    onClose();
  };
  const given = reason.value.trim();
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        <p>{does}</p>
        <label>
          Reason, for the audit
          <input
            value={reason.value}
            maxLength={reasonLimit}
            autocomplete="off"
            onInput={(event) => {
              reason.value = event.currentTarget.value;
            }}
          />
        </label>
        <div class="bar">
          <button type="button" onClick={onClose}>
            Back
          </button>
          <button type="submit" class="danger" disabled={isBusy.value}>
            {title}
          </button>
        </div>
      </form>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      <Command text={commandLine(...words, ...(given === "" ? [] : ["--reason", given]))} />
    </Dialog>
  );
}
