import { plainText } from "../bytes/plain-text.ts";

/**
 * A counter or gauge with its samples, or a histogram. Names and units follow Prometheus: base units, unit last,
 * `_total` for counters.
 */
export type MetricFamily = {
  readonly name: string;
  readonly help: string;
} & (
  | { readonly kind: "counter" | "gauge"; readonly samples: readonly Sample[] }
  | { readonly kind: "histogram"; readonly histogram: Histogram }
);

export type Sample = { readonly labels?: { readonly [name: string]: string }; readonly value: number };

/** Counts of observations: `counts[i]` has those up to `bounds[i]`, the last one those above all bounds. */
export type Histogram = { readonly bounds: readonly number[]; readonly counts: number[]; sum: number };

/** An empty histogram. */
export function newHistogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
}

/** Adds an observation. */
export function observe(histogram: Histogram, value: number): void {
  const place = histogram.bounds.findIndex((bound) => value <= bound);
  const index = place === -1 ? histogram.bounds.length : place;
  histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
  histogram.sum += value;
}

/** Formats metrics in Prometheus' text exposition format 0.0.4; a family without samples is left out. */
export function writeExposition(families: readonly MetricFamily[]): string {
  return families.map(writeFamily).join("");
}

/** The content type of this format. */
export const expositionType = "text/plain; version=0.0.4; charset=utf-8";

function writeFamily(family: MetricFamily): string {
  const { name, kind } = family;
  const lines =
    family.kind === "histogram" ? histogramLines(name, family.histogram) : sampleLines(name, family.samples);
  if (lines.length === 0) return "";
  const help = family.help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join("\n")}\n`;
}

function sampleLines(name: string, samples: readonly Sample[]): string[] {
  return samples.map(({ labels = {}, value }) => `${name}${writeLabels(labels)} ${writeNumber(value)}`);
}

function histogramLines(name: string, { bounds, counts, sum }: Histogram): string[] {
  let total = 0;
  const buckets = counts.map((count, index) => {
    total += count;
    const le = index < bounds.length ? writeNumber(bounds[index] ?? 0) : "+Inf";
    return `${name}_bucket{le="${le}"} ${total}`;
  });
  return [...buckets, `${name}_sum ${writeNumber(sum)}`, `${name}_count ${total}`];
}

function writeLabels(labels: { readonly [name: string]: string }): string {
  const parts = Object.entries(labels).map(
    ([name, value]) => `${name}="${plainText(value).replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`,
  );
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function writeNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}
