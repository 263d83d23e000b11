import type { SummaryView } from "../../contract/operator/fleet-views.ts";
import { counted } from "../../core/bytes/counted.ts";
import { acting } from "../acts/acting.ts";
import { fleetRows } from "../data/fleet.ts";
import { expectationOf } from "../data/plan.ts";
import { useAnswer } from "../data/query.ts";
import { mayAct } from "../data/session.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { Link } from "../parts/link.tsx";
import { conditionGlyphs } from "../parts/mark.tsx";
import { Age } from "../parts/time.tsx";
import { listPath, machinePath } from "../route/route.ts";
import { countText } from "../text/time.ts";

/** What is wrong now, by cause: how many machines, where, since when, and what to do. */
export function Wrong() {
  const { value, fault } = useAnswer<SummaryView>("/v1/summary");
  const { value: networks } = useAnswer<{ networks: readonly NetworkFault[] }>("/v1/networks", 10_000);
  return (
    <section class="wrong">
      <h1>What is wrong now</h1>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {value === undefined ? null : (
        <>
          <p class="figures">
            {value.statuses.failing === 0
              ? "No machine is failing."
              : `${counted(value.statuses.failing, "machine")}, ${counted(value.causes.length, "cause")}`}
          </p>
          <ServerFaults summary={value} networks={networks?.networks ?? []} />
          <NeverHeard summary={value} />
          {value.causes.map((cause) => (
            <Cause key={`${cause.condition} ${cause.reason}`} cause={cause} />
          ))}
        </>
      )}
      <Command text="birther failures" />
    </section>
  );
}

type NetworkFault = {
  readonly name: string;
  readonly notServed?: string;
  readonly foreignDhcp?: { readonly address: string; readonly lastMs: number };
  readonly pool: {
    readonly size: number;
    readonly held: number;
    readonly exhaustedSinceMs?: number;
    readonly refused?: number;
  };
};

function ServerFaults({ summary, networks }: { summary: SummaryView; networks: readonly NetworkFault[] }) {
  const texts = [
    ...summary.server.faults.map(({ name, fault, next }) => `${name}: ${fault}; ${next}`),
    ...networks.flatMap(({ name, notServed, foreignDhcp, pool }) => [
      ...(notServed === undefined ? [] : [`network ${name}: ${notServed}`]),
      ...(pool.exhaustedSinceMs === undefined
        ? []
        : [
            `network ${name}: its pool of ${countText(pool.size)} addresses is used up, ${counted(pool.refused ?? 0, "request")} went without`,
          ]),
      ...(foreignDhcp === undefined ? [] : [`network ${name}: another DHCP server answers, ${foreignDhcp.address}`]),
    ]),
    ...(summary.unreadable === 0
      ? []
      : [
          `${counted(summary.unreadable, "record")} cannot be read; birther status names ${summary.unreadable === 1 ? "it" : "them"}`,
        ]),
  ];
  if (texts.length === 0) return <p>Server and networks: no faults.</p>;
  return (
    <div class="fault">
      <h2>Server and networks</h2>
      <ul class="plain">
        {texts.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      <Link to="/networks">networks</Link>
    </div>
  );
}

const racksShown = 12;

/** The racks with slots that the plan expects and that were never heard from, those that miss most first. */
function NeverHeard({ summary }: { summary: SummaryView }) {
  const { unheard, expected } = expectationOf(summary);
  if (unheard === 0) return null;
  const racks = summary.racks
    .filter((rack) => (rack.unheard ?? 0) > 0)
    .sort((a, b) => (b.unheard ?? 0) - (a.unheard ?? 0));
  const more = racks.length - racksShown;
  return (
    <article class="cause">
      <h2>
        {counted(unheard, "slot")} of {countText(expected)} expected {unheard === 1 ? "was" : "were"} never heard from
      </h2>
      <p>
        {racks
          .slice(0, racksShown)
          .map(({ rack, unheard: missing = 0, expected: all = 0 }) => `rack ${rack} (${missing} of ${all})`)
          .join(", ")}
        {more > 0 ? ` and ${counted(more, "more rack")}` : ""}
      </p>
      <p>
        <strong>Next:</strong> look whether they have power and a cable, and whether their network boot is first in the
        firmware; <Link to="/">the picture of the racks</Link> has each slot, hollow.
      </p>
    </article>
  );
}

function Cause({ cause }: { cause: SummaryView["causes"][number] }) {
  const { condition, reason, machines, locations, locationCount, first, firstAtMs, latestAtMs, next } = cause;
  const targets = [...fleetRows().values()]
    .filter(({ name }) => first.includes(name))
    .map(({ id, name }) => ({ id, name }));
  return (
    <article class="cause">
      <h2>
        <span class={`mark ${condition}`}>
          {conditionGlyphs[condition] ?? "•"} {countText(machines)} {condition}
        </span>{" "}
        {reason}
      </h2>
      <p>
        {locations.map(({ place, machines: count }, at) => (
          <span key={place}>
            {at === 0 ? "" : ", "}
            <Link to={listPath(whereOf(place, condition))}>{place}</Link> ({countText(count)})
          </span>
        ))}
        {locationCount > locations.length ? `, ${locationCount - locations.length} more places` : ""} · first{" "}
        <Age atMs={firstAtMs} /> ago, latest <Age atMs={latestAtMs} /> ago
      </p>
      <p>
        <strong>Next:</strong> {next}
      </p>
      <p>
        {first.map((name, at) => (
          <span key={name}>
            {at === 0 ? "" : " "}
            <Link to={machinePath(name)}>{name}</Link>
          </span>
        ))}
        {machines > first.length ? ` and ${countText(machines - first.length)} more` : ""}
      </p>
      {mayAct("operator") && targets.length === machines ? (
        <button
          type="button"
          onClick={() => {
            acting.value = { targets };
          }}
        >
          Act on {machines === 1 ? first[0] : `these ${countText(machines)}`} …
        </button>
      ) : null}
    </article>
  );
}

/** The selector of a place and a condition: a name may have characters that mean something in a selector. */
function whereOf(place: string, condition: string): string {
  const [kind = "", ...rest] = place.split(" ");
  const value = rest.join(" ");
  return ["rack", "switch", "network"].includes(kind) && !/[,()=]/.test(value)
    ? `${kind}=${value},condition=${condition}`
    : `condition=${condition}`;
}
