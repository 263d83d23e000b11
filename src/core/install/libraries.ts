/** Paths of the libraries in what `ld.so --list PROGRAM` prints: lines like `libc.so.6 => /lib/libc.so.6 (0x00007f…)`. */
export function readLibraries(listing: string): readonly string[] {
  const paths: string[] = [];
  for (const line of listing.split("\n")) {
    const path = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line)?.[1];
    if (path !== undefined) paths.push(path);
  }
  return paths;
}
