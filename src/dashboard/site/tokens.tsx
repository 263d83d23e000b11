import { useSignal } from "@preact/signals";
import type { TokenView } from "../../contract/operator/token.ts";
import { mayAct } from "../data/session.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { ReasonDialog, type ReasonDialogProps } from "../parts/reason-dialog.tsx";
import { Time } from "../parts/time.tsx";
import { nowMs } from "../shell/clock.ts";
import { NewToken } from "./new-token.tsx";
import { useTokens } from "./use-tokens.ts";

/** The tokens: who may do what, and who has not used it for long; an admin creates and revokes them. */
export function Tokens() {
  return mayAct("admin") ? <AdminTokens /> : <p>Tokens need the role admin.</p>;
}

function AdminTokens() {
  const { tokens, fault, reload } = useTokens();
  const asked = useSignal<Asked | undefined>(undefined);
  return (
    <section>
      <h1>Tokens</h1>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {tokens?.length === 0 ? <p>There are no tokens: callers of other computers need one.</p> : null}
      {tokens === undefined || tokens.length === 0 ? null : (
        <TokenTable
          tokens={tokens}
          onRevoke={(name) => {
            asked.value = revocationOf(name);
          }}
        />
      )}
      <button
        type="button"
        class="danger"
        onClick={() => {
          asked.value = endOfSessions;
        }}
      >
        End the sessions of all browsers …
      </button>
      <NewToken onMade={reload} />
      <Command text="birther tokens list" />
      {asked.value === undefined ? null : (
        <ReasonDialog
          {...asked.value}
          onDone={() => void reload()}
          onClose={() => {
            asked.value = undefined;
          }}
        />
      )}
    </section>
  );
}

/** What is confirmed with a reason. */
type Asked = Pick<ReasonDialogProps, "title" | "does" | "path" | "words">;

function revocationOf(name: string): Asked {
  return {
    title: `Revoke ${name}`,
    does: "Its next request is refused, and the sessions that were opened with it end.",
    path: `/v1/tokens/${encodeURIComponent(name)}`,
    words: ["birther", "tokens", "revoke", name],
  };
}

const endOfSessions: Asked = {
  title: "End all sessions",
  does: "Every browser has to log in again, this one too. Tokens stay valid.",
  path: "/v1/sessions",
  words: ["birther", "tokens", "end-sessions"],
};

function TokenTable({ tokens, onRevoke }: { tokens: readonly TokenView[]; onRevoke: (name: string) => void }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Role</th>
          <th scope="col">Created</th>
          <th scope="col">Expires</th>
          <th scope="col">Last used</th>
          <th scope="col">Revoke</th>
        </tr>
      </thead>
      <tbody>
        {tokens.map(({ name, role, createdAtMs, createdBy, expiresAtMs, lastUsedAtMs }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{role}</td>
            <td>
              <Time atMs={createdAtMs} /> by {createdBy}
            </td>
            <td>
              <Expiry atMs={expiresAtMs} />
            </td>
            <td>{lastUsedAtMs === undefined ? "never" : <Time atMs={lastUsedAtMs} />}</td>
            <td>
              <button type="button" class="danger" onClick={() => onRevoke(name)}>
                Revoke {name} …
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Expiry({ atMs }: { atMs: number | undefined }) {
  if (atMs === undefined) return <>never</>;
  return (
    <>
      {atMs <= nowMs.value ? <span class="mark failing">▲ expired </span> : null}
      <Time atMs={atMs} />
    </>
  );
}
