import { useSignal } from "@preact/signals";
import type { TokenView } from "../../contract/operator/token.ts";
import { type Fault, send } from "../data/http.ts";
import { mayAct } from "../data/session.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { Time } from "../parts/time.tsx";
import { NewToken } from "./new-token.tsx";
import { useTokens } from "./use-tokens.ts";

/** The tokens: who may do what, and who has not used it for long; an admin creates and revokes them. */
export function Tokens() {
  return mayAct("admin") ? <AdminTokens /> : <p>Tokens need the role admin.</p>;
}

function AdminTokens() {
  const { tokens, fault, reload } = useTokens();
  const failed = useSignal<Fault | undefined>(undefined);
  const revoke = async (name: string) => {
    const answer = await send(`/v1/tokens/${encodeURIComponent(name)}`, { method: "DELETE" });
    failed.value = answer.kind === "fault" ? answer.fault : undefined;
    await reload();
  };
  return (
    <section>
      <h1>Tokens</h1>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {failed.value === undefined ? null : <FaultNote fault={failed.value} />}
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
          {tokens.map((token) => (
            <TokenRow key={token.name} token={token} onRevoke={revoke} />
          ))}
        </tbody>
      </table>
      <NewToken onMade={reload} />
      <Command text="birther tokens list" />
      <Command text="birther tokens create NAME --role viewer" />
      <Command text="birther tokens revoke NAME" />
    </section>
  );
}

function TokenRow({ token, onRevoke }: { token: TokenView; onRevoke: (name: string) => Promise<void> }) {
  const isAsked = useSignal(false);
  const { name, role, createdAtMs, createdBy, expiresAtMs, lastUsedAtMs } = token;
  const press = () => {
    if (isAsked.value) void onRevoke(name);
    isAsked.value = !isAsked.value;
  };
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{role}</td>
      <td>
        <Time atMs={createdAtMs} /> by {createdBy}
      </td>
      <td>{expiresAtMs === undefined ? "never" : <Time atMs={expiresAtMs} />}</td>
      <td>{lastUsedAtMs === undefined ? "never" : <Time atMs={lastUsedAtMs} />}</td>
      <td>
        <button type="button" class="danger" onClick={press}>
          {isAsked.value ? `Really revoke ${name}; its sessions end` : `Revoke ${name}`}
        </button>
      </td>
    </tr>
  );
}
