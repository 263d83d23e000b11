import type { MachineView } from "../../contract/operator/views.ts";
import type { FigureSummary } from "../../core/fleet/burn-in-figures.ts";
import { withQuery } from "../data/http.ts";
import { useAnswer } from "../data/query.ts";
import { durationText } from "../text/time.ts";

/** The burn-in of the machine: each figure beside those of its siblings, machines of the same model. */
export function BurnIn({ machine }: { machine: MachineView }) {
  const { burnIn, smbios } = machine;
  const product = smbios?.product ?? "";
  // What would mean something else in a selector cannot be asked for; the figures of all models then hold its own.
  const where = product === "" || /[,()=!]/.test(product) ? undefined : `product=${product}`;
  const { value } = useAnswer<{ figures: readonly FigureSummary[] }>(withQuery("/v1/burn-in", { where }), 15_000);
  if (burnIn === undefined) return <p>It has had no burn-in.</p>;
  const own = (value?.figures ?? []).filter(({ model }) => model === product);
  const siblings = new Map(own.map((one) => [`${one.test} ${one.figure}`, one]));
  return (
    <table>
      <caption>Burn-in {burnIn.verdict}</caption>
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
                <FigureLine key={figure} figure={figure} own={value} siblings={siblings.get(`${test} ${figure}`)} />
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function FigureLine({ figure, own, siblings }: { figure: string; own: number; siblings: FigureSummary | undefined }) {
  const number = (value: number) => value.toLocaleString("en");
  if (siblings === undefined || siblings.machines < 2) {
    return (
      <div>
        {figure} {number(own)}
      </div>
    );
  }
  const { least, most, median, machines } = siblings;
  const share = (value: number) =>
    most === least ? 50 : Math.max(0, Math.min(100, ((value - least) / (most - least)) * 100));
  const outlier = siblings.outliers.find(({ value }) => value === own);
  return (
    <div class="strip-line">
      <span>
        {figure} {number(own)}, median of {machines} siblings {number(median)}, from {number(least)} to {number(most)}
        {outlier === undefined ? "" : ` ▲ ${outlier.score.toFixed(1)} deviations`}
      </span>
      <span class="strip" aria-hidden="true">
        <span class="median" style={{ left: `${share(median)}%` }} />
        <span class="own" style={{ left: `${share(own)}%` }} />
      </span>
    </div>
  );
}
