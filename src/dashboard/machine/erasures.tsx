import type { ErasuresAnswer } from "../../contract/operator/answers/erasure.ts";
import { outcomeText } from "../../core/erasure/erasure.ts";
import { withQuery } from "../data/http.ts";
import { useAnswer } from "../data/query.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Time } from "../parts/time.tsx";

/** As many as are shown; `birther erasures` has all. */
const shown = "20";

/** What was erased on the disks of a machine, newest first; nothing if no erasure is on record. */
export function Erasures({ id }: { id: string }) {
  const query = withQuery("/v1/erasures", { machine: id, limit: shown });
  const { value, fault } = useAnswer<ErasuresAnswer>(query, 10_000);
  if (fault !== undefined) return <FaultNote fault={fault} />;
  if (value === undefined || value.erasures.length === 0) return null;
  return (
    <table>
      <caption>What was erased</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Id</th>
          <th scope="col">Disk</th>
          <th scope="col">By</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {value.erasures.map(({ id, atMs, facts }) => (
          <tr key={id}>
            <td>
              <Time atMs={atMs} />
            </td>
            <td class="mono">{id}</td>
            <th scope="row">{facts === undefined ? "–" : facts.disk.serial || facts.disk.path}</th>
            <td>{facts?.action}</td>
            <td>{facts === undefined ? "written by a newer server" : outcomeText(facts.outcome)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
