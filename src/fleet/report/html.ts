import { formatBytes, formatShare, formatShort, formatTime } from "./format.ts";
import { headlines } from "./headline.ts";
import type { Percentiles } from "./measures.ts";
import { namesOf, type Summary } from "./summary.ts";

/** The report as one page that needs nothing else: no script, no font, no picture from elsewhere. */
export function reportHtml(summary: Summary): string {
  const [site = "", ...lines] = headlines(summary);
  const body = [
    `<h1>${escapeHtml(lines[0] ?? "")}</h1>`,
    `<p class="site">${escapeHtml(site)}</p>`,
    ...lines.slice(1).map((line) => `<p>${escapeHtml(line)}</p>`),
    "<h2>Machines over time</h2>",
    plot(summary),
    "<h2>Where the time goes</h2>",
    bars(summary),
    table(
      ["Phase, from the one before", ...quantiles],
      summary.phases.map((row) => [row.phase, ...cells(row)]),
    ),
    "<h2>Requests</h2>",
    table(
      ["Request", ...quantiles],
      summary.requests.map((row) => [row.kind, ...cells(row)]),
    ),
    `<p>DHCP attempts without an answer: ${summary.unansweredDhcp}</p>`,
    "<h2>Links and processors</h2>",
    table(
      ["Link", "Bytes", "Full"],
      summary.links.map(({ name, sentBytes, busyShare }) => [name, formatBytes(sentBytes), formatShare(busyShare)]),
    ),
    table(
      ["Server", "Processor time", "Share", "Images"],
      summary.serverCpu.map(({ server, cpuMs, share, imagesCpuMs }) => [
        ...[String(server), formatTime(cpuMs), formatShare(share), formatTime(imagesCpuMs)],
      ]),
    ),
    ...troubles(summary),
    "<h2>Parameters</h2>",
    table(
      ["Parameter", "Value", "Unit", "Source"],
      summary.parameters.map(({ name, value, unit, source }) => [name, grouped(value), unit, source]),
    ),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Simulation: ${escapeHtml(site)}</title><style>${style}</style></head>
<body><main>
${body.join("\n")}
</main></body></html>
`;
}

/** Faults, machines that are not up, what the servers logged, and what was broken. */
function troubles(summary: Summary): readonly string[] {
  return [
    ...part(
      "Faults",
      table(
        ["Fault", "Machines", "Up"],
        summary.faults.map(({ text, machines, up }) => [text, String(machines), String(up)]),
      ),
      summary.faults.length,
    ),
    ...part(
      "Not up",
      table(
        ["Machines", "Fault", "What birther why says"],
        summary.notUp.map((kind) => [namesOf(kind), kind.fault, kind.why]),
      ),
      summary.notUp.length,
    ),
    ...part(
      "Logged by the servers",
      table(
        ["Message", "Times"],
        summary.logged.map(({ message, times }) => [message, String(times)]),
      ),
      summary.logged.length,
    ),
    ...summary.broken.map(
      ({ what, atMs, transcript }) =>
        `<h2>Broken at ${formatTime(atMs)}: ${escapeHtml(what)}</h2><pre>${escapeHtml(transcript.join("\n"))}</pre>`,
    ),
  ];
}

const quantiles = ["Median", "95 %", "99 %", "Longest"] as const;

const style = `
body{margin:0;background:#fff;color:#1b1f24;font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.7rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
.site{color:#57606a}table{border-collapse:collapse;width:100%;margin:.8rem 0}
th,td{padding:.3rem .6rem;border-bottom:1px solid #d8dee4;text-align:left;vertical-align:top;overflow-wrap:break-word}
h1{text-wrap:balance}@media(max-width:40rem){th,td{overflow-wrap:anywhere}}
.number{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:#57606a}
pre{background:#f6f8fa;padding:1rem;overflow:auto}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th,td{border-color:#30363d}.site,svg text{color:#9198a1;fill:#9198a1}pre{background:#161b22}}
`;

/** Colours that people with colour blindness tell apart (Okabe and Ito). */
const colours = ["#999999", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2"] as const;
const size = { width: 900, height: 340, left: 56, right: 110, top: 12, bottom: 34 } as const;

function plot({ over, machines, endMs }: Summary): string {
  const { width, height, left, right, top, bottom } = size;
  const x = (ms: number) => round(left + (ms / Math.max(1, endMs)) * (width - left - right));
  const y = (count: number) => round(height - bottom - (count / Math.max(1, machines)) * (height - top - bottom));
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
    `<line x1="${left}" x2="${width - right}" y1="${y(part * machines)}" y2="${y(part * machines)}" stroke="#8884"/>`,
    `<text x="${left - 8}" y="${y(part * machines) + 4}" text-anchor="end">${Math.round(part * machines)}</text>`,
    `<text x="${x(part * endMs)}" y="${height - 10}" text-anchor="middle">${formatTime(part * endMs)}</text>`,
  ]);
  const lines = over.reached.map(({ counts }, at) => {
    const points = counts.map((count, n) => `${x(over.timesMs[n] ?? 0)},${y(count)}`).join(" ");
    return `<polyline points="${points}" fill="none" stroke="${colours[at] ?? "#000"}" stroke-width="2"/>`;
  });
  const keys = over.reached.map(
    ({ phase }, at) =>
      `<rect x="${width - right + 14}" y="${top + at * 20}" width="12" height="12" fill="${colours[at] ?? "#000"}"/>` +
      `<text x="${width - right + 32}" y="${top + at * 20 + 11}">${phase}</text>`,
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Machines that have reached each phase, over time">${[...grid, ...lines, ...keys].join("")}</svg>`;
}

/** The 95th percentile of each phase, side by side. */
function bars({ phases }: Summary): string {
  const longest = Math.max(1, ...phases.map(({ p95 }) => p95));
  const [row, left, right] = [22, 110, 170];
  const drawn = phases.map(({ phase, p50, p95 }, at) => {
    const long = (ms: number) => round((ms / longest) * (size.width - left - right));
    return (
      `<text x="${left - 8}" y="${at * row + 15}" text-anchor="end">${phase}</text>` +
      `<rect x="${left}" y="${at * row + 3}" width="${long(p95)}" height="${row - 6}" fill="#56b4e9"/>` +
      `<rect x="${left}" y="${at * row + 3}" width="${long(p50)}" height="${row - 6}" fill="#0072b2"/>` +
      `<text x="${left + long(p95) + 8}" y="${at * row + 15}">${formatShort(p50)} / ${formatShort(p95)}</text>`
    );
  });
  return `<svg viewBox="0 0 ${size.width} ${phases.length * row}" role="img" aria-label="Median and 95th percentile of each phase">${drawn.join("")}</svg><p class="site">Dark: median. Light: 95th percentile.</p>`;
}

/** A number whose digits are read in groups of three: `3,125,000,000`. */
function grouped(value: number): string {
  const [whole = "", ...rest] = String(value).split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function cells({ p50, p95, p99, most }: Percentiles): readonly string[] {
  return [p50, p95, p99, most].map(formatShort);
}

function part(title: string, text: string, count: number): readonly string[] {
  return count === 0 ? [] : [`<h2>${title}</h2>`, text];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const isNumber = (cell: string) => /^[\d.,]/.test(cell);
  const cell = (tag: "th" | "td", numbers: boolean) => (text: string) =>
    `<${tag}${numbers ? ' class="number"' : ""}>${escapeHtml(text)}</${tag}>`;
  const numeric = head.map((_, at) => at > 0 && rows.every((row) => isNumber(row[at] ?? "0")));
  const line = (tag: "th" | "td", row: readonly string[]) =>
    `<tr>${row.map((text, at) => cell(tag, numeric[at] === true)(text)).join("")}</tr>`;
  return `<table><thead>${line("th", head)}</thead><tbody>${rows.map((row) => line("td", row)).join("")}</tbody></table>`;
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
