/** A compiled rule pattern with its group names, or why the expression is invalid. */
export type Pattern =
  | { readonly kind: "pattern"; readonly expression: RegExp; readonly groups: readonly string[] }
  | { readonly kind: "broken"; readonly reason: string };

/** Compiles a rule's regular expression so that it must match the whole text. */
export function readPattern(source: string): Pattern {
  try {
    const expression = new RegExp(`^(?:${source})$`);
    // With an empty alternative the expression matches the empty text, and the match lists every named group.
    const groups = Object.keys(new RegExp(`(?:${source})|`).exec("")?.groups ?? {});
    return { kind: "pattern", expression, groups };
  } catch (error) {
    return { kind: "broken", reason: error instanceof Error ? error.message : String(error) };
  }
}
