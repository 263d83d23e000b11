import { counted } from "../../core/bytes/counted.ts";
import { formatBytes, formatDuration } from "./figures.ts";

/** The progress of an import: paths and bytes that are read, of the size of the source. */
export type ImportProgress = { readonly paths: number; readonly readBytes: number; readonly totalBytes: number };

/** What the source of an import has and no image holds: a kind of attribute or file, number of paths, and the first. */
export type NotCarried = { readonly what: string; readonly paths: number; readonly first: string };

/** `not carried to machines: security.capability of 3 paths, first /usr/bin/ping`. */
export function describeNotCarried({ what, paths, first }: NotCarried): string {
  return `not carried to machines: ${what} of ${counted(paths, "path")}, first ${first}`;
}

/** Minimum interval between updates in milliseconds: a terminal is slower than an import. */
const shownEveryMs = 200;

/** A line on a terminal that is rewritten, and ended when disposed; prints nothing elsewhere. */
export function openImportLine(output: Pick<NodeJS.WriteStream, "isTTY" | "write">): Disposable & {
  readonly show: (progress: ImportProgress) => void;
} {
  const startMs = performance.now();
  let shownAtMs = startMs;
  let latest: ImportProgress | undefined;
  const print = (progress: ImportProgress, nowMs: number) =>
    output.write(`\r${describeImport(progress, nowMs - startMs)}\u001b[K`);
  return {
    show: (progress) => {
      latest = progress;
      const nowMs = performance.now();
      if (!output.isTTY || nowMs - shownAtMs < shownEveryMs) return;
      shownAtMs = nowMs;
      print(progress, nowMs);
    },
    [Symbol.dispose]: () => {
      if (!output.isTTY || latest === undefined) return;
      print(latest, performance.now());
      output.write("\n");
    },
  };
}

/** `12034 paths, 210.0 MiB of 480.0 MiB, 95.2 MiB/s, 2.8 s left`, after this many milliseconds. */
export function describeImport({ paths, readBytes, totalBytes }: ImportProgress, elapsedMs: number): string {
  const bytesPerMs = readBytes / Math.max(elapsedMs, 1);
  const parts = [
    counted(paths, "path"),
    `${formatBytes(readBytes)} of ${formatBytes(totalBytes)}`,
    `${formatBytes(bytesPerMs * 1000)}/s`,
  ];
  if (readBytes > 0 && readBytes < totalBytes)
    parts.push(`${formatDuration((totalBytes - readBytes) / bytesPerMs)} left`);
  return parts.join(", ");
}
