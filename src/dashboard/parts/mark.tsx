import { conditionsOf, type Row } from "../data/row.ts";

/** What stands for each kind of condition where colour is not enough. */
export const conditionGlyphs: { readonly [kind: string]: string } = {
  failing: "▲",
  conflict: "?",
  debug: "◆",
  hold: "‖",
  maintenance: "‖",
  waiting: "…",
  retired: "×",
};

/** A machine's conditions as glyphs and words; nothing if it has none. */
export function ConditionMark({ row }: { row: Pick<Row, "conditions"> }) {
  const kinds = conditionsOf(row);
  const [first] = kinds;
  if (first === undefined) return null;
  return (
    <span class={`mark ${first}`}>{kinds.map((kind) => `${conditionGlyphs[kind] ?? "•"} ${kind}`).join(", ")}</span>
  );
}
