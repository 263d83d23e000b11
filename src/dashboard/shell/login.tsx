import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { linkPath } from "../../contract/operator/session.ts";
import type { Fault } from "../data/http.ts";
import { openSession } from "../data/session.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { go } from "../route/route.ts";

/** Opens a session with a token, or with the one-time link that the page was opened by. */
export function Login() {
  const fault = useSignal<Fault | undefined>(undefined);
  const busy = useSignal(false);
  const token = useSignal("");
  const open = async (body: { token: string } | { link: string }) => {
    busy.value = true;
    fault.value = await openSession(body);
    busy.value = false;
    // What was typed meanwhile stays.
    if ("token" in body && token.value === body.token) token.value = "";
    if (fault.value === undefined && location.pathname === linkPath) go("/");
  };
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    field.current?.focus();
    const link = location.hash.slice(1);
    if (location.pathname !== linkPath || link === "") return;
    // The secret must not stay in the address or the history.
    history.replaceState(null, "", linkPath);
    void open({ link });
  }, []);
  return (
    <main class="login">
      <h1>Birther</h1>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void open({ token: token.value });
        }}
      >
        <label>
          Token
          <input
            ref={field}
            type="password"
            autocomplete="current-password"
            required
            value={token.value}
            onInput={(event) => {
              token.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit" disabled={busy.value}>
          Log in
        </button>
      </form>
      <p>On the server, this prints a link that needs no token:</p>
      <Command text="birther dashboard" />
    </main>
  );
}
