import type { SummaryView } from "../../contract/operator/fleet-views.ts";
import { counted } from "../../core/bytes/counted.ts";
import { expectationOf } from "../data/plan.ts";
import { Link } from "../parts/link.tsx";
import { Progress } from "../parts/progress.tsx";
import { Time } from "../parts/time.tsx";
import { listPath } from "../route/route.ts";
import { nowMs } from "../shell/clock.ts";
import { countText, durationText } from "../text/time.ts";

/** The fleet in one line: how many, how many up and failing, how fast, and when it is done. */
export function Figures({ summary }: { summary: SummaryView }) {
  const { statuses, machines, births, causes, unplaced, unreadable } = summary;
  const { expected, unheard } = expectationOf(summary);
  return (
    <p class="figures">
      <Figure count={machines} text={machines === 1 ? "machine" : "machines"} to={listPath("status!=retired")} />
      <Figure count={statuses.up} text="up" to={listPath("status=up")} />
      <Figure count={statuses.arriving} text="arriving" to={listPath("status=arriving")} />
      {statuses.pending > 0 ? <Figure count={statuses.pending} text="pending" to={listPath("status=pending")} /> : null}
      <Figure
        count={statuses.failing}
        text={`failing (${counted(causes.length, "cause")})`}
        to="/wrong"
        isBad={statuses.failing > 0}
      />
      {statuses.held > 0 ? <Figure count={statuses.held} text="held" to={listPath("status=held")} /> : null}
      {statuses.unknown > 0 ? <Figure count={statuses.unknown} text="unknown" to={listPath("status=unknown")} /> : null}
      {unplaced > 0 ? <Figure count={unplaced} text="not placed" to={listPath("!switch")} /> : null}
      {unreadable > 0 ? <Figure count={unreadable} text="unreadable" to="/wrong" isBad /> : null}
      {expected > 0 ? (
        <Link to="/wrong" class="figure">
          <strong>{countText(unheard)}</strong> of {countText(expected)} expected never heard from
        </Link>
      ) : null}
      <span class="figure">
        <strong>{births.perMinute.toFixed(births.perMinute < 10 ? 1 : 0)}</strong> up per minute
      </span>
      <ArrivalTime arrival={summary.arrival} />
    </p>
  );
}

function Figure({ count, text, to, isBad = false }: { count: number; text: string; to: string; isBad?: boolean }) {
  return (
    <Link to={to} class={isBad ? "figure bad" : "figure"}>
      <strong>{countText(count)}</strong> {text}
    </Link>
  );
}

function ArrivalTime({ arrival }: { arrival: SummaryView["arrival"] }) {
  switch (arrival.kind) {
    case "done":
      return <span class="figure">nothing on its way</span>;
    case "unknown":
      return (
        <span class="figure" title={arrival.why}>
          time of arrival unknown
        </span>
      );
    case "estimate":
      return (
        <span class="figure">
          done in <strong>{durationText(arrival.p50AtMs - nowMs.value)}</strong> to{" "}
          <strong>{durationText(arrival.p90AtMs - nowMs.value)}</strong>, at <Time atMs={arrival.p90AtMs} /> (confidence{" "}
          {arrival.confidence})
        </span>
      );
  }
}

/** The machines on their way by phase, with how long they are in it beside what is usual. */
export function PhaseBars({ summary }: { summary: SummaryView }) {
  const most = Math.max(1, ...summary.phases.map(({ machines }) => machines));
  return (
    <ul class="phases" aria-label="machines on their way by phase">
      {summary.phases.map(({ phase, machines, p50Ms, p95Ms, usualP95Ms }) => {
        const isSlow = usualP95Ms !== undefined && p95Ms > usualP95Ms * 1.5;
        return (
          <li key={phase} class={isSlow ? "slow" : ""}>
            <Link to={listPath(`phase=${phase}`)}>{phase}</Link> <strong>{countText(machines)}</strong>
            <meter max={most} value={machines} aria-label={`${counted(machines, "machine")} in ${phase}`} />
            <small>
              p50 {durationText(p50Ms)}
              <br />
              p95 {durationText(p95Ms)}
              {isSlow ? " ▲" : ""}
              <br />
              usual {usualP95Ms === undefined ? "–" : durationText(usualP95Ms)}
            </small>
          </li>
        );
      })}
    </ul>
  );
}

/** How far the machines on their way are with what can be counted, all together. */
export function WorkLine({ work }: { work: SummaryView["work"] }) {
  if (work.length === 0) return null;
  return (
    <ul class="lagging" aria-label="work of all machines">
      {work.map(({ machines, ...progress }) => (
        <li key={progress.what}>
          <Progress progress={progress} /> of {counted(machines, "machine")}
        </li>
      ))}
    </ul>
  );
}

const laggingShown = 5;

/** The racks that are clearly behind the others. */
export function Lagging({ racks }: { racks: SummaryView["racks"] }) {
  const lagging = racks.filter(({ lags }) => lags === true).sort((a, b) => a.progress - b.progress);
  if (lagging.length === 0) return <p class="quiet">No rack lags.</p>;
  return (
    <ul class="lagging" aria-label="lagging racks">
      <li>
        <strong>Lagging:</strong>
      </li>
      {lagging.slice(0, laggingShown).map(({ rack, isSwitch, progress, statuses, machines }) => (
        <li key={rack}>
          <Link to={listPath(`${isSwitch === true ? "switch" : "rack"}=${rack}`)}>
            {isSwitch === true ? rack : `rack ${rack}`}
          </Link>{" "}
          {Math.round(progress * 100)} %, {statuses.up ?? 0} of {machines} up
          {(statuses.failing ?? 0) > 0 ? `, ▲ ${statuses.failing}` : ""}
        </li>
      ))}
      {lagging.length > laggingShown ? <li>{lagging.length - laggingShown} more</li> : null}
    </ul>
  );
}
