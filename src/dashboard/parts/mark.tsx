import { type Row, worstCondition } from "../data/row.ts";

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

/** A machine's condition as glyph and word; nothing if it has none. */
export function ConditionMark({ row }: { row: Pick<Row, "conditions"> }) {
  const condition = worstCondition(row);
  if (condition === undefined) return null;
  return (
    <span class={`mark ${condition.kind}`} title={condition.reason}>
      {conditionGlyphs[condition.kind] ?? "•"} {condition.kind}
    </span>
  );
}
