import { useComputed, useSignal } from "@preact/signals";
import { acting } from "../acts/acting.ts";
import { fleetRows } from "../data/fleet.ts";
import { type Row, sortRows } from "../data/row.ts";
import { mayAct } from "../data/session.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { type FilterField, FilterForm } from "../parts/filter-form.tsx";
import { NoMachines } from "../parts/no-machines.tsx";
import { parameter, setParameters } from "../route/route.ts";
import { commandLine } from "../text/shell-word.ts";
import { countText } from "../text/time.ts";
import { MachineTable } from "./machine-table.tsx";
import { rowsAsCsv } from "./rows-as-csv.ts";
import { selectedIds, selection } from "./selection.ts";

/** The list of machines: the command line's selectors, in the address; sorted, exported, and acted upon. */
export function MachineList() {
  const where = parameter("w");
  const labels = parameter("l");
  const sort = sortNow();
  const found = selection({ where, labels });
  const marked = useSignal<ReadonlySet<string>>(new Set());
  const rows = useComputed(() => {
    const ids = selectedIds.value;
    const all = [...fleetRows().values()];
    return sortRows(ids === undefined ? all : all.filter(({ id }) => ids.has(id)), sortNow());
  });
  const shown = rows.value;
  const chosen = shown.filter(({ id }) => marked.value.has(id));
  const words = [
    "birther",
    "machines",
    ...(labels === "" ? [] : ["-l", labels]),
    ...(where === "" ? [] : ["-w", where]),
  ];
  return (
    <section class="list" aria-label="machines" aria-busy={found.isPending}>
      <Filter />
      {found.fault === undefined ? null : <FaultNote fault={found.fault} />}
      <div class="bar">
        <output>
          {found.isPending ? "selecting …" : `${countText(shown.length)} of ${countText(fleetRows().size)} machines`}
        </output>
        <button
          type="button"
          disabled={found.isPending}
          onClick={() => {
            marked.value = chosen.length === shown.length ? new Set() : new Set(shown.map(({ id }) => id));
          }}
        >
          {chosen.length > 0 && chosen.length === shown.length
            ? "Select none"
            : `Select all ${countText(shown.length)}`}
        </button>
        {mayAct("operator") ? (
          <button type="button" disabled={found.isPending || chosen.length === 0} onClick={() => act(chosen)}>
            Act on {countText(chosen.length)} …
          </button>
        ) : null}
        <button type="button" onClick={() => download("machines.csv", "text/csv", rowsAsCsv(shown))}>
          CSV
        </button>
        <button type="button" onClick={() => download("machines.json", "application/json", JSON.stringify(shown))}>
          JSON
        </button>
      </div>
      {found.isPending ? null : <NoMachines shown={shown.length} />}
      <MachineTable
        rows={shown}
        marked={marked.value}
        sort={sort}
        onMark={(ids) => {
          marked.value = ids;
        }}
        onAct={(rows) => {
          if (!found.isPending) act(rows);
        }}
      />
      <Command text={commandLine(...words)} />
    </section>
  );
}

/** What the address says the rows are sorted by. */
const sortNow = () => parameter("sort") || "slot";

function act(rows: readonly Row[]): void {
  if (rows.length === 0 || !mayAct("operator")) return;
  acting.value = { targets: rows.map((row) => ({ id: row.id, name: row.name })) };
}

const fields: readonly FilterField[] = [
  { parameter: "w", label: "Where", placeholder: "rack=7,status!=up" },
  { parameter: "l", label: "Labels", placeholder: "role=web" },
];

function Filter() {
  return (
    <FilterForm fields={fields}>
      <button type="submit">Filter</button>
      {["status=failing", "status=arriving", "status=pending", "status=held", "status=unknown"].map((text) => (
        <button key={text} type="button" class="chip" onClick={() => setParameters({ w: text })}>
          {text}
        </button>
      ))}
    </FilterForm>
  );
}

function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
