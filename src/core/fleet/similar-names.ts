/** Changes of a character beyond which two names have nothing to do with each other. */
const furthest = 3;

/** The names that were perhaps meant: those that differ in the fewest characters, at most `limit`, the nearest first. */
export function* similarNames(
  meant: string,
  names: Iterable<string>,
  limit: number,
): Generator<void, readonly string[], undefined> {
  const wanted = meant.slice(0, 64).toLowerCase();
  // A third of a name may be wrong: of a short one, one character.
  const most = Math.min(furthest, Math.max(1, Math.floor(wanted.length / 3)));
  let near: { readonly name: string; readonly distance: number }[] = [];
  for (const name of names) {
    yield;
    if (Math.abs(name.length - wanted.length) > most) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance > most) continue;
    near.push({ name, distance });
    near.sort((a, b) => a.distance - b.distance);
    near = near.slice(0, limit);
  }
  return near.map(({ name }) => name);
}

/** Characters to insert, remove or replace to make one text of the other (Levenshtein). */
export function editDistance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row += 1) {
    const now = [row];
    for (let at = 1; at <= b.length; at += 1) {
      const replaced = (before[at - 1] ?? 0) + (a[row - 1] === b[at - 1] ? 0 : 1);
      now.push(Math.min(replaced, (before[at] ?? 0) + 1, (now[at - 1] ?? 0) + 1));
    }
    before = now;
  }
  return before[b.length] ?? 0;
}

/** The same at once, for a few names. */
export function similarAmong(meant: string, names: Iterable<string>, limit: number): readonly string[] {
  const search = similarNames(meant, names, limit);
  for (;;) {
    const step = search.next();
    if (step.done === true) return step.value;
  }
}
