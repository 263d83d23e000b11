/** Facts whose names end so are hashes of secrets, or secrets: nobody reads them in the audit. */
const secret = /(hash|secret|password|token)$/i;

/** A value without hashes of secrets, at whatever depth. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  const facts = Object.entries(value).filter(([name]) => !secret.test(name));
  return Object.fromEntries(facts.map(([name, fact]) => [name, withoutSecrets(fact)]));
}

/** What a write changed: of two objects only the facts that differ. Both as JSON text, undefined where there was or is nothing. */
export function auditFacts(before: unknown, after: unknown): { readonly before?: string; readonly after?: string } {
  const facts = [before, after].map((value) => (value === undefined ? undefined : Object(withoutSecrets(value))));
  const [was, is] = facts as ({ readonly [name: string]: unknown } | undefined)[];
  const differs = (name: string) => JSON.stringify(was?.[name]) !== JSON.stringify(is?.[name]);
  const text = (value: { readonly [name: string]: unknown }) =>
    JSON.stringify(Object.fromEntries(Object.entries(value).filter(([name]) => differs(name))));
  return {
    ...(was === undefined ? {} : { before: text(was) }),
    ...(is === undefined ? {} : { after: text(is) }),
  };
}
