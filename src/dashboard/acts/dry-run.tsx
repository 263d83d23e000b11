import { useSignal } from "@preact/signals";
import type { BatchAnswer } from "../../contract/operator/answers/batch.ts";
import { counted } from "../../core/bytes/counted.ts";
import { countText } from "../text/time.ts";
import { type ActForm, doesText } from "./act-form.ts";

type DryRunProps = {
  foreseen: BatchAnswer;
  form: ActForm;
  busy: boolean;
  onBack: () => void;
  onConfirm: (ids: readonly string[]) => void;
};

/** What would happen to each machine, and the confirmation: of many machines their number has to be typed. */
export function DryRun({ foreseen, form, busy, onBack, onConfirm }: DryRunProps) {
  const { action } = form;
  const typed = useSignal("");
  const accepting = foreseen.results.filter(({ outcome }) => outcome === "done");
  const ids = accepting.map(({ machine }) => machine.id);
  const mustType = ids.length > 1;
  const isSure = !mustType || typed.value.trim() === String(ids.length);
  const isRefused = foreseen.problem !== undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isSure && !isRefused) onConfirm(ids);
      }}
    >
      <p>
        <strong>
          {action}: {ofMachines(ids.length, foreseen.results.length, "accepts", "accept")} it.
        </strong>{" "}
        {doesText(form)}
      </p>
      {foreseen.problem === undefined ? null : (
        <div class="fault" role="alert">
          <strong>{foreseen.problem.title}</strong>
          <p>{foreseen.problem.detail}</p>
          <p>{foreseen.problem.next}</p>
        </div>
      )}
      <Results results={foreseen.results} />
      {mustType && !isRefused ? (
        <label>
          To confirm, type the number of machines: {ids.length}
          <input
            inputMode="numeric"
            value={typed.value}
            autocomplete="off"
            onInput={(event) => {
              typed.value = event.currentTarget.value;
            }}
          />
        </label>
      ) : null}
      <div class="bar">
        <button type="button" onClick={onBack}>
          Back
        </button>
        <button type="submit" class="danger" disabled={busy || !isSure || isRefused || ids.length === 0}>
          {action} {countText(ids.length)}
        </button>
      </div>
    </form>
  );
}

/** What happened to each machine. */
export function Outcome({ done, onClose }: { done: BatchAnswer; onClose: () => void }) {
  const changed = done.results.filter(({ outcome }) => outcome === "done").length;
  return (
    <>
      <p role="status">{ofMachines(changed, done.results.length, "was", "were")} changed.</p>
      <Results results={done.results} />
      <button type="button" onClick={onClose}>
        Close
      </button>
    </>
  );
}

/** `1 of 1 machine accepts`, `1 of 3 machines accepts`, `2 of 3 machines accept`. */
function ofMachines(some: number, all: number, one: string, more: string): string {
  return `${countText(some)} of ${counted(all, "machine")} ${some === 1 ? one : more}`;
}

const rowsShown = 500;

function Results({ results }: { results: BatchAnswer["results"] }) {
  const refusedFirst = [...results].sort((a, b) => Number(a.outcome === "done") - Number(b.outcome === "done"));
  return (
    <div class="results" tabIndex={0} role="region" aria-label="what happens to each machine">
      <table>
        <thead>
          <tr>
            <th scope="col">Machine</th>
            <th scope="col">Accepted</th>
            <th scope="col">State then</th>
            <th scope="col">Remark</th>
          </tr>
        </thead>
        <tbody>
          {refusedFirst.slice(0, rowsShown).map(({ name, outcome, machine, problem, erases = [], leaves = [] }) => (
            <tr key={machine.id}>
              <th scope="row">{name}</th>
              <td>{outcome === "done" ? "yes" : "no"}</td>
              <td>{machine.state}</td>
              <td>
                {problem?.detail ?? [...erases.map((disk) => `erases ${disk}`), ...leaves].join("; ")}
                {problem === undefined ? null : <small> {problem.next}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {results.length > rowsShown ? <p>{countText(results.length - rowsShown)} more</p> : null}
    </div>
  );
}
