/** The name of an image: a stream, and the number of a version in it; written `compute/7`. */
export type ImageName = { readonly stream: string; readonly version: number };

/**
 * Reads `compute/7`; undefined if the text is invalid. Streams are lower-case words, because they become file names.
 */
export function parseImageName(text: string): ImageName | undefined {
  const match = /^([a-z0-9][a-z0-9._-]{0,63})\/([1-9][0-9]{0,8})$/.exec(text);
  return match === null ? undefined : { stream: match[1] ?? "", version: Number(match[2]) };
}

/** `compute/7`. */
export function formatImageName(name: ImageName): string {
  return `${name.stream}/${name.version}`;
}

/** Whether a text is a valid name of a stream. */
export function isStreamName(text: string): boolean {
  return parseImageName(`${text}/1`) !== undefined;
}

/** Whether a version, or any version of a stream, is among the available images. */
export function isAvailable(wanted: string, available: readonly string[]): boolean {
  return available.includes(wanted) || available.some((name) => parseImageName(name)?.stream === wanted);
}

/** The version of the next image of a stream. */
export function nextVersion(stream: string, available: readonly string[]): number {
  const versions = available
    .map(parseImageName)
    .flatMap((name) => (name !== undefined && name.stream === stream ? [name.version] : []));
  return Math.max(0, ...versions) + 1;
}

/** The stream that an import is for, or the reason why it cannot be made. */
export type ImportName =
  | { readonly kind: "stream"; readonly stream: string }
  | { readonly kind: "unusable"; readonly reason: string };

/** Reads the name for an import: a stream, or `compute/7` if 7 is the next version of the stream. */
export function importName(wanted: string, available: readonly string[]): ImportName {
  const exact = parseImageName(wanted);
  const stream = exact?.stream ?? wanted;
  if (!isStreamName(stream)) {
    const expected = "expected a name such as compute, of at most 64 lower-case letters, digits, - . _";
    return { kind: "unusable", reason: `image name: ${expected}, found ${JSON.stringify(wanted)}` };
  }
  const version = nextVersion(stream, available);
  if (exact === undefined || exact.version === version) return { kind: "stream", stream };
  const next = `import it as ${stream}, and it gets the next version`;
  return { kind: "unusable", reason: `image name: expected ${stream}/${version}, found ${wanted}; ${next}` };
}
