/** One requirement of a selector on a key; all requirements of a selector must hold. */
export type Requirement =
  | { readonly kind: "in" | "notIn"; readonly key: string; readonly values: readonly string[] }
  | { readonly kind: "exists" | "absent"; readonly key: string };

/** A parsed selector, or its fault. */
export type SelectorResult =
  | { readonly kind: "selector"; readonly requirements: readonly Requirement[] }
  /** One sentence: what was expected and what was found. */
  | { readonly kind: "fault"; readonly message: string };

/** Limits beyond any reasonable selector. */
const requirementLimit = 50;
const valueLimit = 1000;
const textLimit = 32 * 1024;

const keyPattern = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const grammar = "key=value, key!=value, key in (a,b), key notin (a,b), key or !key, separated by commas";

/**
 * Reads a selector in the syntax of Kubernetes label selectors: `rack=7`, `rack==7`, `rack!=7`, `rack in (7, 8)`,
 * `rack notin (7,8)`, `rack` (has one), `!rack` (has none), with commas between them. An empty selector is a fault: it would
 * select the whole fleet.
 */
export function parseSelector(text: string): SelectorResult {
  if (text.length > textLimit) return fault(`expected at most ${textLimit} characters, found ${text.length}`);
  const parts = splitOutsideBrackets(text);
  if (parts.length > requirementLimit)
    return fault(`expected at most ${requirementLimit} requirements, found ${parts.length}`);
  const requirements: Requirement[] = [];
  for (const part of parts) {
    const requirement = parseRequirement(part.trim());
    if (requirement === undefined) return fault(`expected ${grammar}, found ${shown(part)}`);
    if ("values" in requirement && requirement.values.length > valueLimit) {
      return fault(`${requirement.key}: expected at most ${valueLimit} values, found ${requirement.values.length}`);
    }
    requirements.push(requirement);
  }
  return { kind: "selector", requirements };
}

/**
 * Whether all requirements hold. `valuesOf` returns the values of a key, several for a list. `!=` and `notin` also hold
 * for a key without values.
 */
export function selects(requirements: readonly Requirement[], valuesOf: (key: string) => readonly string[]): boolean {
  return requirements.every((requirement) => holds(requirement, valuesOf(requirement.key)));
}

function holds(requirement: Requirement, values: readonly string[]): boolean {
  switch (requirement.kind) {
    case "exists":
      return values.length > 0;
    case "absent":
      return values.length === 0;
    case "in":
      return values.some((value) => requirement.values.includes(value));
    case "notIn":
      return !values.some((value) => requirement.values.includes(value));
  }
}

function parseRequirement(part: string): Requirement | undefined {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  if (set !== null) {
    const [, key = "", word, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    if (!keyPattern.test(key) || values.includes("")) return undefined;
    return { kind: word === "in" ? "in" : "notIn", key, values };
  }
  if (/[()]/.test(part)) return undefined;
  const equality = /^([^\s=!]+)\s*(==|=|!=)\s*(.+)$/.exec(part);
  if (equality !== null) {
    const [, key = "", sign, value = ""] = equality;
    if (!keyPattern.test(key) || value.startsWith("=")) return undefined;
    return { kind: sign === "!=" ? "notIn" : "in", key, values: [value] };
  }
  const key = part.replace(/^!\s*/, "");
  return keyPattern.test(key) ? { kind: part === key ? "exists" : "absent", key } : undefined;
}

/** The parts between commas; commas inside brackets separate the values of one requirement. */
function splitOutsideBrackets(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "(") depth += 1;
    else if (character === ")") depth -= 1;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
}

function fault(message: string): SelectorResult {
  return { kind: "fault", message };
}

function shown(part: string): string {
  if (part.trim() === "") return "nothing";
  return part.length > 60 ? `${part.slice(0, 57)}...` : part;
}
