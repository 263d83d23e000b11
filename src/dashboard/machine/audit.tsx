import { useSignal } from "@preact/signals";
import type { AuditAnswer } from "../../contract/operator/answers/audit.ts";
import { fleetRows } from "../data/fleet.ts";
import { withQuery } from "../data/http.ts";
import { useAnswer } from "../data/query.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Link } from "../parts/link.tsx";
import { Time } from "../parts/time.tsx";
import { machinePath } from "../route/route.ts";
import { factsText } from "../text/facts-text.ts";

/** Who changed what, newest first, with the values before and after; of one machine, or of all. */
export function Audit({ about, request = "" }: { about: string; request?: string }) {
  const before = useSignal("");
  const { value, fault } = useAnswer<AuditAnswer>(
    withQuery("/v1/audit", { about, request, before: before.value, limit: "100" }),
    3000,
  );
  if (fault !== undefined) return <FaultNote fault={fault} />;
  const entries = value?.entries ?? [];
  const pages = [
    ...(before.value === "" ? [] : [["Newest", ""] as const]),
    ...(value?.before === undefined ? [] : [["Older", String(value.before)] as const]),
  ];
  return (
    <>
      <AuditTable entries={entries} />
      {value !== undefined && entries.length === 0 ? <p>No one has changed anything.</p> : null}
      <div class="bar">
        {pages.map(([text, to]) => (
          <button
            key={text}
            type="button"
            onClick={() => {
              before.value = to;
            }}
          >
            {text}
          </button>
        ))}
      </div>
    </>
  );
}

function AuditTable({ entries }: { entries: AuditAnswer["entries"] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">By</th>
          <th scope="col">Action</th>
          <th scope="col">On</th>
          <th scope="col">Request and reason</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ position, atMs, by, action, subject, request, before, after }) => (
          <tr key={position}>
            <td>
              <Time atMs={atMs} />
            </td>
            <td>{by}</td>
            <th scope="row">{action}</th>
            <td>
              <Subject subject={subject} />
            </td>
            <td>{request === undefined ? "–" : <Request {...request} />}</td>
            <td class="facts">{factsText(before)}</td>
            <td class="facts">{factsText(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The request of an entry, with the address it came from; the link shows all that it changed. */
function Request({ id, from, reason }: NonNullable<AuditAnswer["entries"][number]["request"]>) {
  return (
    <>
      {reason === undefined ? "" : `${reason} · `}
      <Link to={`/audit?request=${encodeURIComponent(id)}`}>{id}</Link> from {from}
    </>
  );
}

function Subject({ subject }: { subject: string }) {
  const row = fleetRows().get(subject);
  return row === undefined ? (
    <span title={subject}>{/^[0-9a-f]{64}$/.test(subject) ? `${subject.slice(0, 8)}…` : subject}</span>
  ) : (
    <Link to={machinePath(row.name)}>{row.name}</Link>
  );
}
