import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Row } from "../data/row.ts";
import { Link } from "../parts/link.tsx";
import { ConditionMark } from "../parts/mark.tsx";
import { ShortProgress } from "../parts/progress.tsx";
import { Age } from "../parts/time.tsx";
import { go, machinePath, setParameters } from "../route/route.ts";
import { reasonOf, wantReasons } from "./reasons.ts";
import { visibleRows } from "./visible-rows.ts";

const rowPixels = 28;

type TableProps = {
  readonly rows: readonly Row[];
  readonly marked: ReadonlySet<string>;
  readonly sort: string;
  readonly onMark: (ids: ReadonlySet<string>) => void;
  readonly onAct: (rows: readonly Row[]) => void;
};

const columns = [
  ["name", "Name"],
  ["slot", "Slot"],
  ["status", "Status"],
  ["phase", "Phase"],
  ["since", "In phase for"],
  ["condition", "Condition"],
  ["image", "Image"],
  ["model", "Model"],
  ["network", "Network"],
] as const;

/** Rows of which only those in sight are in the page: ten thousand machines cost as much as forty. */
export function MachineTable({ rows, marked, sort, onMark, onAct }: TableProps) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const at = useSignal(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => {
      height.value = element.clientHeight;
    };
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const { from, to } = visibleRows({ top: top.value, height: height.value, rowPixels, count: rows.length });
  wantReasons(rows.slice(from, to));
  const focused = Math.min(at.value, rows.length - 1);
  const press = (event: KeyboardEvent) => {
    const moved = movedBy(event.key, Math.floor(height.value / rowPixels) - 1);
    const row = rows[focused];
    if (moved !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, focused + moved));
      at.value = next;
      scrollTo(box.current, next);
    } else if (event.key === "Enter" && row !== undefined) go(machinePath(row.name));
    else if (event.key === " " && row !== undefined) onMark(toggled(marked, row.id));
    else if (event.key === ".")
      onAct(marked.size > 0 ? rows.filter(({ id }) => marked.has(id)) : row === undefined ? [] : [row]);
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={box}
      class="rows"
      role="grid"
      aria-label="machines"
      aria-rowcount={rows.length + 1}
      aria-multiselectable="true"
      tabIndex={0}
      {...(rows[focused] === undefined ? {} : { "aria-activedescendant": `row${focused}` })}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
      onKeyDown={press}
    >
      <HeaderRow sort={sort} />
      <div role="rowgroup" style={{ height: `${rows.length * rowPixels}px` }} class="body">
        {rows.slice(from, to).map((row, offset) => (
          <TableRow
            key={row.id}
            row={row}
            at={from + offset}
            isFocused={from + offset === focused}
            isMarked={marked.has(row.id)}
            onMark={() => {
              at.value = from + offset;
              onMark(toggled(marked, row.id));
            }}
          />
        ))}
      </div>
    </div>
  );
}

function HeaderRow({ sort }: { sort: string }) {
  const [key, direction] = sort.startsWith("-") ? [sort.slice(1), "descending" as const] : [sort, "ascending" as const];
  return (
    <div role="row" class="row head" aria-rowindex={1}>
      <span role="columnheader">
        <span class="hidden">selected</span>
      </span>
      {columns.map(([name, title]) => (
        <span key={name} role="columnheader" aria-sort={key === name ? direction : "none"}>
          <button type="button" onClick={() => setParameters({ sort: sort === name ? `-${name}` : name })}>
            {title} {key === name ? (direction === "ascending" ? "▴" : "▾") : ""}
          </button>
        </span>
      ))}
    </div>
  );
}

type RowProps = { row: Row; at: number; isFocused: boolean; isMarked: boolean; onMark: () => void };

function TableRow({ row, at, isFocused, isMarked, onMark }: RowProps) {
  const slot = row.rack === undefined ? "–" : `${row.rack} / ${row.unit ?? "–"}`;
  const reason = reasonOf(row);
  return (
    <div
      role="row"
      id={`row${at}`}
      aria-rowindex={at + 2}
      aria-selected={isMarked}
      class={`row${isFocused ? " at" : ""}`}
      style={{ top: `${at * rowPixels}px` }}
    >
      <span role="gridcell">
        <input type="checkbox" tabIndex={-1} checked={isMarked} onChange={onMark} aria-label={`select ${row.name}`} />
      </span>
      <span role="gridcell">
        <Link to={machinePath(row.name)}>{row.name}</Link>
      </span>
      <span role="gridcell">{slot}</span>
      <span role="gridcell">{row.status}</span>
      <span role="gridcell" data-phase={row.phase}>
        {row.phase ?? "–"} {row.progress === undefined ? null : <ShortProgress progress={row.progress} />}
      </span>
      <span role="gridcell">{row.phaseAtMs === undefined ? "–" : <Age atMs={row.phaseAtMs} />}</span>
      <span role="gridcell" title={reason}>
        <ConditionMark row={row} /> {reason}
      </span>
      <span role="gridcell">{row.image ?? "–"}</span>
      <span role="gridcell">{row.model ?? "–"}</span>
      <span role="gridcell">{row.network ?? "–"}</span>
    </div>
  );
}

function toggled(marked: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(marked);
  if (!next.delete(id)) next.add(id);
  return next;
}

function movedBy(key: string, page: number): number | undefined {
  const moves: { readonly [key: string]: number } = {
    ...{ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page },
    ...{ Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY },
  };
  return moves[key];
}

function scrollTo(box: HTMLDivElement | null, at: number): void {
  if (box === null) return;
  const [from, to] = [at * rowPixels, (at + 2) * rowPixels];
  if (from < box.scrollTop) box.scrollTop = from;
  else if (to > box.scrollTop + box.clientHeight) box.scrollTop = to - box.clientHeight;
}
