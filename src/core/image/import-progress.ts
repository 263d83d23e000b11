import { counted } from "../bytes/counted.ts";

/** How far an import of a system image is, as the process that runs it last told the server. */
export type ImportProgress = {
  readonly stream: string;
  readonly paths: number;
  /** Bytes of the source that are read, of its size. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly startedAtMs: number;
  readonly atMs: number;
};

/** An import that was not heard of for this long has ended, without a word. */
export const importSilentMs = 15_000;
/** Imports that are kept: of more, the one heard first is forgotten. */
const importLimit = 20;

/** The imports of a server after one more note; `atMs` of all are times of the server's clock. */
export function withImport(
  imports: readonly ImportProgress[],
  noted: Omit<ImportProgress, "startedAtMs">,
): readonly ImportProgress[] {
  const before = imports.find(({ stream }) => stream === noted.stream);
  const others = currentImports(imports, noted.atMs).filter((one) => one !== before);
  return [...others, { ...noted, startedAtMs: before?.startedAtMs ?? noted.atMs }].slice(-importLimit);
}

/** Those that were heard of lately. */
export function currentImports(imports: readonly ImportProgress[], nowMs: number): readonly ImportProgress[] {
  return imports.filter(({ atMs }) => nowMs - atMs < importSilentMs);
}

/** Progress as text, such as `importing compute: 34 % of 1200 MiB, 12,034 paths`. */
export function describeImport({ stream, paths, doneBytes, totalBytes }: ImportProgress): string {
  const share = totalBytes === 0 ? 0 : Math.min(100, Math.floor((100 * doneBytes) / totalBytes));
  return `importing ${stream}: ${share} % of ${Math.round(totalBytes / 2 ** 20)} MiB, ${counted(paths, "path")}`;
}
