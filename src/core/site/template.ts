/** A field in a hostname template: `{rack}`, or `{rack:2}` for zero-padding to two digits. */
const field = /\{([^{}:]*)(?::(\d{1,2}))?\}/g;

/** The groups that a template uses, in order. */
export function templateGroups(template: string): readonly string[] {
  const groups: string[] = [];
  template.replace(field, (whole, group: string) => {
    groups.push(group);
    return whole;
  });
  return groups;
}

/** The template with each field filled from `values`; a field whose group has no value stays unchanged. */
export function fillTemplate(template: string, values: { readonly [group: string]: string }): string {
  return template.replace(field, (whole, group: string, width: string | undefined) => {
    const value = values[group];
    return value === undefined ? whole : value.padStart(Number(width ?? 0), "0");
  });
}
