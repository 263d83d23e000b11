import type { CauseView, NetworkBrief, SummaryView } from "../../contract/operator/fleet-views.ts";
import { counted, formatCount } from "../../core/bytes/counted.ts";
import { statuses } from "../../core/fleet/machine-status.ts";
import type { RackSummary } from "../../core/fleet/racks.ts";
import type { PhaseSummary } from "../../core/fleet/summary.ts";
import { unsealedTrusts } from "../../core/machine/trust.ts";
import { describeProgress } from "../../core/machine/work-progress.ts";
import { formatDuration, formatTime, formatTimeZone, zoneAt } from "./figures.ts";
import { formatTable } from "./table.ts";
import { wrapHanging } from "./wrap.ts";

/** Racks and causes shown on the screen of `status`; `racks` and `failures` show all. */
const lagging = 5;
const causesShown = 8;

/** The head: how many machines there are, how they stand, and when those on their way arrive. */
export function headText(summary: SummaryView, width: number): string[] {
  const { machines, statuses: counts, conditions, nowMs, server, unplaced, suspect, unreadable } = summary;
  const parts = statuses.filter((status) => counts[status] > 0).map((one) => `${formatCount(counts[one])} ${one}`);
  const waiting =
    conditions.waiting === undefined
      ? ""
      : `; ${formatCount(conditions.waiting)} ${conditions.waiting === 1 ? "waits" : "wait"} for the uplink`;
  const lines = [
    `birther ${server.version}, running for ${formatDuration(Math.max(0, nowMs - server.startedAtMs))}; ${formatTimeZone(nowMs, nowMs)}`,
    `${counted(machines, "machine")}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}${waiting}`,
    ...arrivalText(summary),
    ...expectedText(summary),
    ...diskKeysText(summary.diskKeys),
    ...(unplaced === 0 ? [] : [unplacedText(unplaced)]),
    ...(suspect === 0 ? [] : [suspectText(suspect)]),
    ...(unreadable === 0
      ? []
      : [
          `${counted(unreadable, "record cannot be read and is", "records cannot be read and are")} in no number above`,
        ]),
  ];
  return lines.flatMap((line) => wrapHanging(line, { width, indent: 2 }));
}

function suspectText(machines: number): string {
  return `${counted(machines, "machine is", "machines are")} suspect (far from machines of the model): birther machines --where suspect=yes`;
}

/** Births per minute, and the time of arrival with what it goes by. */
function arrivalText({ arrival, births, nowMs }: SummaryView): string[] {
  const rate = `${births.perMinute.toFixed(1)} births a minute (${formatCount(births.count)} in ${births.lastMinutes} min)`;
  if (arrival.kind === "done") return births.count === 0 ? [] : [rate];
  if (arrival.kind === "unknown") return [`${rate}; no time of arrival: ${arrival.why}`];
  const { p50AtMs, p90AtMs, confidence, slower, atRateAtMs } = arrival;
  const zone = zoneAt(p90AtMs);
  const at = (ms: number) => formatTime(ms, nowMs);
  const left = formatDuration(Math.max(0, p90AtMs - nowMs));
  return [
    `${rate}; all up by ${at(p50AtMs)} (50 %) to ${at(p90AtMs)} (90 %) ${zone}, in ${left}; ` +
      `confidence ${confidence}, from ${counted(arrival.births, "birth")}`,
    ...(confidence === "low" && atRateAtMs !== undefined ? [`at the present rate: by ${at(atRateAtMs)} ${zone}`] : []),
    ...(slower === 0
      ? []
      : [
          `${formatCount(slower)} ${slower === 1 ? "takes" : "take"} longer than any birth before; the estimate omits ${slower === 1 ? "it" : "them"}`,
        ]),
  ];
}

function expectedText({ racks }: SummaryView): string[] {
  const expected = racks.reduce((sum, rack) => sum + (rack.expected ?? 0), 0);
  const unheard = racks.reduce((sum, rack) => sum + (rack.unheard ?? 0), 0);
  if (expected === 0) return [];
  return [`${counted(expected, "slot")} expected, ${formatCount(unheard)} never heard from`];
}

/** How many disk keys are sealed or in TPMs, and why others are not, where there is any or sealing was asked for. */
export function diskKeysText(counts: SummaryView["diskKeys"]): string[] {
  const { "sealed-key": sealed = 0, "tpm-key": inTpm = 0, unencrypted = 0 } = counts;
  const plain = unsealedTrusts
    .map((why) => ({ why, machines: counts[why] ?? 0 }))
    .filter(({ machines }) => machines > 0)
    .sort((a, b) => b.machines - a.machines);
  if (sealed === 0 && inTpm === 0 && plain.every(({ why }) => why === "unsealed-not-asked")) return [];
  const [most] = plain;
  const parts = [
    `${formatCount(sealed)} sealed`,
    ...(inTpm === 0 ? [] : [`${formatCount(inTpm)} in TPMs`]),
    ...plain.map(({ why, machines }) => `${formatCount(machines)} ${why.replace("unsealed-", "not sealed: ")}`),
    ...(unencrypted === 0 ? [] : [`${formatCount(unencrypted)} not encrypted`]),
  ];
  return [`disk keys: ${parts.join(", ")}${most === undefined ? "" : `; birther machines --where trust=${most.why}`}`];
}

/** One line for each phase that machines are in, with a bar. */
export function phasesText(phases: readonly PhaseSummary[], width: number): string[] {
  if (phases.length === 0) return [];
  const most = Math.max(...phases.map(({ machines }) => machines));
  const barWidth = width < 70 ? 0 : Math.max(0, Math.min(40, width - 66));
  const rows = phases.map(({ phase, machines, p50Ms, p95Ms, maxMs, usualP50Ms, usualP95Ms }) => [
    phase,
    formatCount(machines),
    formatDuration(p50Ms),
    formatDuration(p95Ms),
    formatDuration(maxMs),
    usualP50Ms === undefined ? "-" : `${formatDuration(usualP50Ms)}, ${formatDuration(usualP95Ms ?? usualP50Ms)}`,
    "█".repeat(Math.ceil((machines / most) * barWidth)),
  ]);
  return ["", ...formatTable(["ON THE WAY", "MACHINES", "P50", "P95", "MAX", "USUAL P50, P95", ""], rows, width)];
}

/** How far the machines are that told it. */
export function workText(work: SummaryView["work"], width: number): string[] {
  const lines = work.map((one) => {
    const machines = `${counted(one.machines, "machine")}`;
    return `  ${machines}: ${describeProgress(one)}`;
  });
  return lines.flatMap((line) => wrapHanging(line, { width, indent: 4 }));
}

/** Failures by cause: how many, where, and what to do. */
export function causesText(causes: readonly CauseView[], of: { width: number; limit?: number; nowMs: number }) {
  const { width, limit = causesShown, nowMs } = of;
  if (causes.length === 0) return [];
  const machines = causes.reduce((sum, cause) => sum + cause.machines, 0);
  const shown = causes.slice(0, limit).flatMap((cause) => causeText(cause, width, nowMs));
  const left = causes.length - Math.min(limit, causes.length);
  const head = `wrong: ${counted(machines, "machine")}, ${counted(causes.length, "cause")}`;
  return ["", head, ...shown, ...(left === 0 ? [] : [`  ${counted(left, "more cause")}: birther failures`])];
}

function causeText(cause: CauseView, width: number, nowMs: number): string[] {
  const { condition, reason, machines, first, locations, locationCount, firstAtMs, latestAtMs, next } = cause;
  const more = machines - first.length;
  const elsewhere = locationCount - locations.length;
  const where = [
    ...locations.map(({ place, machines: there }) => `${formatCount(there)} in ${place}`),
    ...(elsewhere > 0 ? [`others in ${counted(elsewhere, "more place")}`] : []),
  ];
  const ago = (atMs: number) => formatDuration(Math.max(0, nowMs - atMs));
  const since = machines === 1 ? `for ${ago(firstAtMs)}` : `first ${ago(firstAtMs)} ago, latest ${ago(latestAtMs)} ago`;
  const lines = [
    `${formatCount(machines).padStart(6)}  ${condition}: ${reason}`,
    `        ${where.join(", ")}; ${since}`,
    `        ${first.join(" ")}${more > 0 ? ` and ${formatCount(more)} more` : ""}`,
    `        next: ${next}`,
  ];
  return lines.flatMap((line) => wrapHanging(line, { width, indent: 10 }));
}

/** The racks that are clearly behind the others. */
export function laggingText(racks: readonly RackSummary[], width: number): string[] {
  const late = racks.filter(({ lags }) => lags).sort((a, b) => a.progress - b.progress);
  if (late.length === 0) return [];
  const shown = late.slice(0, lagging).map((rack) => {
    const { slowest, statuses: counts } = rack;
    const slow =
      slowest === undefined ? "" : `, slowest ${slowest.name}: ${slowest.phase} for ${formatDuration(slowest.ageMs)}`;
    return `  ${rackName(rack)}: ${Math.round(rack.progress * 100)} % of the way, ${counts.up ?? 0} of ${rack.machines} up${slow}`;
  });
  const more = late.length > lagging ? [`  ${late.length - lagging} more: birther racks`] : [];
  return ["", "lagging racks", ...shown, ...more].flatMap((line) => wrapHanging(line, { width, indent: 4 }));
}

/** A rack as text. */
export function rackName({ rack, isSwitch }: Pick<RackSummary, "rack" | "isSwitch">): string {
  return isSwitch === true ? `switch ${rack}` : `rack ${rack}`;
}

/** From this share of its addresses on, a pool is worth a line. */
const poolShare = 0.8;

/** What is wrong with networks, pools and the server; one line if nothing is. */
export function serverText({ networks, server, nowMs }: SummaryView, width: number): string[] {
  const lines = [
    ...networks.flatMap((network) => networkText(network, nowMs)),
    ...server.faults.map(({ name, fault, next }) => `server: ${name}: ${fault}; next: ${next}`),
  ];
  const pools = networks.map(({ name, pool }) => `${name} ${formatCount(pool.held)} of ${formatCount(pool.size)}`);
  const inUse = pools.length === 0 ? [] : [`addresses in use: ${pools.join(", ")}`];
  const all = lines.length === 0 ? ["server and networks: no faults"] : lines;
  return ["", ...inUse, ...all].flatMap((line) => wrapHanging(line, { width, indent: 4 }));
}

function networkText({ name, notServed, pool }: NetworkBrief, nowMs: number): string[] {
  const unserved = notServed === undefined ? [] : [`network ${name} is not served: ${notServed}`];
  if (pool.exhaustedSinceMs !== undefined) {
    const since = formatDuration(Math.max(0, nowMs - pool.exhaustedSinceMs));
    const text = `network ${name}: the pool has been exhausted for ${since}, and ${counted(pool.refused ?? 0, "request")} got no address; next: enlarge temporaryPool`;
    return [...unserved, text];
  }
  const isNearlyFull = pool.size > 0 && pool.held >= pool.size * poolShare;
  return isNearlyFull
    ? [...unserved, `network ${name}: ${formatCount(pool.held)} of ${formatCount(pool.size)} addresses are in use`]
    : unserved;
}

/** How many machines have not said yet where they are. */
export function unplacedText(machines: number): string {
  return `${counted(machines, "machine has not told its", "machines have not told their")} place yet`;
}
