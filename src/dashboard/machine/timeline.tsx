import type { SummaryView } from "../../contract/operator/fleet-views.ts";
import type { MachineView } from "../../contract/operator/views.ts";
import { Time } from "../parts/time.tsx";
import { nowMs } from "../shell/clock.ts";
import { durationText } from "../text/time.ts";
import { type Span, spansOf } from "./spans.ts";

type Usual = { readonly usualP50Ms?: number; readonly usualP95Ms?: number };

/** The phases of the machine's generation as bars, each beside how long finished births of the fleet were in it. */
export function Timeline({ machine, summary }: { machine: MachineView; summary: SummaryView | undefined }) {
  const spans = spansOf(machine.timeline, machine.phase === "up" ? undefined : nowMs.value);
  if (spans.length === 0) return null;
  const usual = new Map<string, Usual>(summary?.phases.map((one) => [one.phase, one]));
  const longest = Math.max(
    1,
    ...spans.map(({ phase, durationMs }) => Math.max(durationMs, usual.get(phase)?.usualP95Ms ?? 0)),
  );
  return (
    <table class="timeline">
      <caption>Phases of generation {machine.generation}</caption>
      <thead>
        <tr>
          <th scope="col">Phase</th>
          <th scope="col">Began</th>
          <th scope="col">Took</th>
          <th scope="col">Usual p50 / p95</th>
          <th scope="col">Detail</th>
        </tr>
      </thead>
      <tbody>
        {spans.map((span, at) => (
          <SpanRow key={`${at} ${span.phase}`} span={span} usual={usual.get(span.phase) ?? {}} longest={longest} />
        ))}
      </tbody>
    </table>
  );
}

function SpanRow({ span, usual, longest }: { span: Span; usual: Usual; longest: number }) {
  const { phase, atMs, durationMs, detail, isOpen } = span;
  const { usualP50Ms, usualP95Ms } = usual;
  const isSlow = usualP95Ms !== undefined && durationMs > usualP95Ms;
  const share = (ms: number) => Math.min(99, (100 * ms) / longest);
  return (
    <tr>
      <th scope="row">{phase}</th>
      <td>
        <Time atMs={atMs} />
      </td>
      <td>
        <span class="strip" aria-hidden="true">
          <span class={isSlow ? "stay slow" : "stay"} style={{ width: `${share(durationMs)}%` }} />
          {usualP50Ms === undefined ? null : <span class="median" style={{ left: `${share(usualP50Ms)}%` }} />}
          {usualP95Ms === undefined ? null : <span class="late" style={{ left: `${share(usualP95Ms)}%` }} />}
        </span>
        {durationText(durationMs)}
        {isOpen ? " so far" : ""}
        {isSlow ? " ▲ slow" : ""}
      </td>
      <td>
        {usualP50Ms === undefined || usualP95Ms === undefined
          ? "–"
          : `${durationText(usualP50Ms)} / ${durationText(usualP95Ms)}`}
      </td>
      <td>{detail ?? ""}</td>
    </tr>
  );
}
