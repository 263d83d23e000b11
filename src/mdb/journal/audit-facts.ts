/** Facts whose names end like this are secrets or their hashes, which the audit never shows. */
const secret = /(hash|secret|password|token)$/i;

/** A value without hashes of secrets, at any depth. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  const facts = Object.entries(value).filter(([name]) => !secret.test(name));
  return Object.fromEntries(facts.map(([name, fact]) => [name, withoutSecrets(fact)]));
}

/**
 * The facts that a write changed, before and after, without hashes of secrets. Both as JSON text; undefined if there
 * was or is no object. Records share unchanged facts, so most facts are the same object and cost nothing.
 */
export function auditFacts(before: unknown, after: unknown): { readonly before?: string; readonly after?: string } {
  const [was, is] = [factsOf(before), factsOf(after)];
  const shown = [...new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})])].flatMap((name) => {
    if (secret.test(name) || was?.[name] === is?.[name]) return [];
    const [then, now] = [was, is].map((facts) => textOf(withoutSecrets(facts?.[name])));
    return then === now ? [] : [{ name, then, now }];
  });
  const text = (side: "then" | "now") =>
    `{${shown.flatMap(({ name, [side]: value }) => (value === undefined ? [] : [`${JSON.stringify(name)}:${value}`])).join(",")}}`;
  return {
    ...(was === undefined ? {} : { before: text("then") }),
    ...(is === undefined ? {} : { after: text("now") }),
  };
}

function factsOf(value: unknown): { readonly [name: string]: unknown } | undefined {
  return value === undefined ? undefined : Object(value);
}

/** JSON, or undefined for values that JSON omits. */
function textOf(value: unknown): string | undefined {
  return JSON.stringify(value);
}
