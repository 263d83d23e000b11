/** Which kernel modules drive the devices at hand: what udev does, as pure functions over the text that depmod(8) wrote. */
import { moduleName } from "../modules/module-name.ts";

/** One line of modules.alias, cut at its first wildcard so that most lines are dismissed by a native `startsWith`. */
type Alias = { readonly literal: string; readonly pattern: string; readonly module: string };

/** Aliases by bus. */
export type Aliases = { readonly [bus: string]: readonly Alias[] };

/** Reads modules.alias: lines `alias PATTERN MODULE`. */
export function readAliases(text: string): Aliases {
  const byBus: { [bus: string]: Alias[] } = {};
  for (const line of text.split("\n")) {
    const [word, pattern, module] = line.split(" ");
    if (word !== "alias" || pattern === undefined || module === undefined) continue;
    const aliases = byBus[busOf(pattern)] ?? [];
    byBus[busOf(pattern)] = aliases;
    const wildcard = pattern.search(/[*?[]/);
    aliases.push({ literal: wildcard < 0 ? pattern : pattern.slice(0, wildcard), pattern, module: moduleName(module) });
  }
  return byBus;
}

/** The modules that claim to drive a device of this modalias (the text of a sysfs `modalias` file). */
export function modulesFor(modalias: string, aliases: Aliases): readonly string[] {
  const found = new Set<string>();
  for (const alias of aliases[busOf(modalias)] ?? []) {
    if (modalias.startsWith(alias.literal) && matchesGlob(alias.pattern, modalias)) found.add(alias.module);
  }
  return [...found];
}

/** fnmatch(3) without flags, as far as modules.alias uses it: `*`, `?` and `[a-z]`. */
export function matchesGlob(pattern: string, text: string): boolean {
  let patternAt = 0;
  let textAt = 0;
  let starAt = -1;
  let starTextAt = 0;
  while (textAt < text.length) {
    if (pattern[patternAt] === "*") {
      starAt = patternAt;
      starTextAt = textAt;
      patternAt += 1;
      continue;
    }
    const width = oneMatches(pattern, patternAt, text[textAt] ?? "");
    if (width > 0) {
      patternAt += width;
      textAt += 1;
      continue;
    }
    // Back to the last star, which takes one character more: linear memory, no recursion.
    if (starAt < 0) return false;
    starTextAt += 1;
    textAt = starTextAt;
    patternAt = starAt + 1;
  }
  while (pattern[patternAt] === "*") patternAt += 1;
  return patternAt === pattern.length;
}

/** How many pattern characters match this one character; 0 if they do not. */
function oneMatches(pattern: string, at: number, character: string): number {
  const head = pattern[at];
  if (head === "?") return 1;
  if (head !== "[") return head === character ? 1 : 0;
  const end = pattern.indexOf("]", at + 1);
  if (end < 0) return head === character ? 1 : 0;
  const set = pattern.slice(at + 1, end);
  for (let index = 0; index < set.length; index += 1) {
    const low = set[index] ?? "";
    const isRange = set[index + 1] === "-" && index + 2 < set.length;
    const high = isRange ? (set[index + 2] ?? "") : low;
    if (low <= character && character <= high) return end - at + 1;
    if (isRange) index += 2;
  }
  return 0;
}

/** The text before the first colon or wildcard: some aliases are `acpi*:…`. */
function busOf(text: string): string {
  return /^[^:*?[]*/.exec(text)?.[0] ?? "";
}
