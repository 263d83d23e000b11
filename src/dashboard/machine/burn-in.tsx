import type { MachineView } from "../../contract/operator/views.ts";
import { describeFigure, figureNumber } from "../../core/burn-in/figure-text.ts";
import { counted } from "../../core/bytes/counted.ts";
import { hardwareTest } from "../../core/fleet/measured.ts";
import type { FigureAmongSiblings, Siblings } from "../../core/fleet/siblings.ts";
import { outlierScore } from "../../core/fleet/spread.ts";
import { describeSuspect } from "../../core/machine/suspect.ts";
import { durationText } from "../text/time.ts";

/** The burn-in of the machine: each figure beside those of its siblings, machines of the same model. */
export function BurnIn({ machine, siblings }: { machine: MachineView; siblings: Siblings | undefined }) {
  const { burnIn, suspects = [] } = machine;
  if (burnIn === undefined) return <p>It has had no burn-in.</p>;
  const figureOf = (test: string, subject: string, figure: string) =>
    siblings?.figures.find((one) => one.test === test && one.subject === subject && one.figure === figure);
  const scanned = siblings?.figures.filter(({ test }) => test === hardwareTest) ?? [];
  return (
    <table>
      <caption>
        Burn-in {burnIn.verdict}
        {suspects.map((suspect) => (
          <div key={`${suspect.test} ${suspect.subject} ${suspect.figure}`}>▲ suspect: {describeSuspect(suspect)}</div>
        ))}
      </caption>
      <thead>
        <tr>
          <th scope="col">Test</th>
          <th scope="col">Of</th>
          <th scope="col">Result</th>
          <th scope="col">Took</th>
          <th scope="col">Figures</th>
        </tr>
      </thead>
      <tbody>
        {burnIn.results.map(({ test, subject, ok, durationMs, figures, fault }, at) => (
          <tr key={`${test} ${subject} ${at}`}>
            <th scope="row">{test}</th>
            <td>{subject}</td>
            <td>{ok ? "✓ passed" : `▲ ${fault}`}</td>
            <td>{durationText(durationMs)}</td>
            <td>
              {Object.entries(figures).map(([figure, value]) => (
                <FigureLine key={figure} figure={figure} value={value} among={figureOf(test, subject, figure)} />
              ))}
            </td>
          </tr>
        ))}
        {scanned.length === 0 ? null : (
          <tr>
            <th scope="row">{hardwareTest}</th>
            <td>what the scan has counted</td>
            <td>{suspects.some(({ test }) => test === hardwareTest) ? "▲ suspect" : ""}</td>
            <td />
            <td>
              {scanned.map((one) => (
                <FigureLine key={one.figure} figure={one.figure} value={one.value} among={one} />
              ))}
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

type Line = { readonly figure: string; readonly value: number; readonly among: FigureAmongSiblings | undefined };

/** A figure in words, and as a strip with a dot for each sibling. */
function FigureLine({ figure, value, among }: Line) {
  if (among === undefined || among.siblings.machines < 2) {
    return <div>{describeFigure(figure, value)}</div>;
  }
  const { siblings, score } = among;
  const { least, most, median, machines, dots } = siblings;
  const share = (one: number) => (most === least ? 50 : ((one - least) / (most - least)) * 100);
  return (
    <div class="strip-line">
      <span>
        {describeFigure(figure, value)}; {counted(machines, "sibling")}: median {figureNumber(median)}, from{" "}
        {figureNumber(least)} to {figureNumber(most)}
        {Math.abs(score) < outlierScore ? "" : ` ▲ ${score.toFixed(1)} deviations`}
      </span>
      <span class="strip dotted" aria-hidden="true">
        {dots.map((dot) => (
          <span key={dot} class="dot" style={{ left: `${share(dot)}%` }} />
        ))}
        <span class="median" style={{ left: `${share(median)}%` }} />
        <span class="own" style={{ left: `${share(value)}%` }} />
      </span>
    </div>
  );
}
