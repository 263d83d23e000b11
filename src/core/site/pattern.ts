export type Pattern =
  | { readonly kind: "pattern"; readonly expression: RegExp; readonly groups: readonly string[] }
  | { readonly kind: "broken"; readonly reason: string };

/** A rule's regular expression, made to match the whole text, with the names of its groups. */
export function readPattern(source: string): Pattern {
  try {
    const expression = new RegExp(`^(?:${source})$`);
    // With an empty alternative it matches anything, and the match lists every named group.
    const groups = Object.keys(new RegExp(`(?:${source})|`).exec("")?.groups ?? {});
    return { kind: "pattern", expression, groups };
  } catch (error) {
    return { kind: "broken", reason: error instanceof Error ? error.message : String(error) };
  }
}
