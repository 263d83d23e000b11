/**
 * The byte arrays of a C file whose elements are plain numbers, characters and strings, by name. Arrays made with macros are
 * left out.
 */
export function byteArraysOf(source: string): { readonly name: string; readonly bytes: Uint8Array }[] {
  const arrays = source.matchAll(/uint8_t (\w+)\[\] = \{([^}]*)\}/g);
  return [...arrays].flatMap(([, name = "", body = ""]) => {
    const elements = body.replace(/\/\*.*?\*\//gs, "").match(/'(?:[^'\\]|\\.)'|[^\s,]+/g) ?? [];
    const values = elements.map(byteOf);
    return values.every((value) => value !== undefined) ? [{ name, bytes: Uint8Array.from(values) }] : [];
  });
}

function byteOf(element: string): number | undefined {
  if (/^'[^\\]'$/.test(element)) return element.charCodeAt(1);
  return /^(0x[0-9a-fA-F]{1,2}|\d{1,3})$/.test(element) ? Number(element) : undefined;
}
