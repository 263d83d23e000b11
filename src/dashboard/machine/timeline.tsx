import { counted } from "../../core/bytes/counted.ts";
import type { PhaseAmongSiblings, Siblings } from "../../core/fleet/siblings.ts";
import { outlierScore } from "../../core/fleet/spread.ts";
import { Time } from "../parts/time.tsx";
import { nowMs } from "../shell/clock.ts";
import { durationText } from "../text/time.ts";

/** The phases of the machine's generation as bars, each beside how long the machines of its model were in it. */
export function Timeline({ generation, siblings }: { generation: number; siblings: Siblings | undefined }) {
  const stays = siblings?.phases ?? [];
  if (siblings === undefined || stays.length === 0) return null;
  // What comes after the birth, such as being up for months, would leave no width for its phases.
  const inBirth = stays.filter(({ siblings, phase }) => siblings !== undefined || phase !== "up");
  const longest = Math.max(1, ...inBirth.map((stay) => Math.max(stayMs(stay), usualEnd(stay))));
  return (
    <table class="timeline">
      <caption>
        Phases of generation {generation}, beside {counted(siblings.machines, "machine")} of model{" "}
        {siblings.model || "unknown"}
      </caption>
      <thead>
        <tr>
          <th scope="col">Phase</th>
          <th scope="col">Began</th>
          <th scope="col">Took</th>
          <th scope="col">Siblings: median (range)</th>
          <th scope="col">Detail</th>
        </tr>
      </thead>
      <tbody>
        {stays.map((stay, at) => (
          <StayRow key={`${at} ${stay.phase}`} stay={stay} longest={longest} />
        ))}
      </tbody>
    </table>
  );
}

/** How long the stay was, or has been so far by the clock of this page. */
function stayMs({ atMs, durationMs, isOpen }: PhaseAmongSiblings): number {
  return isOpen ? Math.max(durationMs, nowMs.value - atMs) : durationMs;
}

/** Where the siblings' range ends; a single sibling far away would leave no width for the others. */
function usualEnd({ siblings }: PhaseAmongSiblings): number {
  return siblings === undefined ? 0 : Math.min(siblings.most, siblings.median * 3);
}

function StayRow({ stay, longest }: { stay: PhaseAmongSiblings; longest: number }) {
  const { phase, atMs, detail, isOpen, siblings, score = 0 } = stay;
  const ms = stayMs(stay);
  const isSlow = score >= outlierScore;
  const share = (part: number) => Math.min(100, (100 * part) / longest);
  return (
    <tr>
      <th scope="row">{phase}</th>
      <td>
        <Time atMs={atMs} />
      </td>
      <td>
        {phase === "up" ? (
          `${isOpen ? "for" : "was for"} ${durationText(ms)}`
        ) : (
          <>
            <span class="strip" aria-hidden="true">
              <span class={isSlow ? "stay slow" : "stay"} style={{ width: `${share(ms)}%` }} />
              {siblings === undefined ? null : (
                <>
                  <span
                    class="range"
                    style={{
                      left: `${share(siblings.least)}%`,
                      width: `${share(siblings.most) - share(siblings.least)}%`,
                    }}
                  />
                  <span class="median" style={{ left: `${Math.min(99, share(siblings.median))}%` }} />
                </>
              )}
            </span>
            {durationText(ms)}
            {isOpen ? " so far" : ""}
            {isSlow ? " ▲ slow" : ""}
          </>
        )}
      </td>
      <td>
        {siblings === undefined || siblings.machines < 2
          ? "–"
          : `${durationText(siblings.median)} (${durationText(siblings.least)} – ${durationText(siblings.most)})`}
      </td>
      <td>{detail ?? ""}</td>
    </tr>
  );
}
