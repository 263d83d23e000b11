import type { ChangeView } from "../../contract/operator/views.ts";
import { useAnswer } from "../data/query.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Time } from "../parts/time.tsx";
import { factsText } from "../text/facts-text.ts";

/** The latest events of the machine, the newest first. */
export function Events({ route }: { route: string }) {
  const { value, fault } = useAnswer<{ events: readonly ChangeView[] }>(`${route}/events?limit=200`, 2000);
  if (fault !== undefined) return <FaultNote fault={fault} />;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Event</th>
          <th scope="col">State after it</th>
          <th scope="col">By</th>
          <th scope="col">Facts</th>
        </tr>
      </thead>
      <tbody>
        {[...(value?.events ?? [])]
          .reverse()
          .map(({ position, atMs, event: { kind, id: _id, ...facts }, machine, by }) => (
            <tr key={position}>
              <td>
                <Time atMs={atMs} />
              </td>
              <th scope="row">{kind}</th>
              <td>
                {machine.state}, {machine.phase ?? "–"}
              </td>
              <td>{by ?? ""}</td>
              <td class="facts">{factsText(facts)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
