import { signal } from "@preact/signals";
import type { SessionView } from "../../contract/operator/session.ts";
import type { Role } from "../../core/role.ts";
import { roles } from "../../core/role.ts";
import { type Fault, onAnswer, send } from "./http.ts";

/** The session of this browser; `none` when one has to be opened. */
export const session = signal<SessionView | "none" | "asking">("asking");

/** When this page opened it, by the page's monotonic clock. */
let openedAtMs = 0;

/** Whether the session's role permits what needs this role. */
export function mayAct(role: Role): boolean {
  const held = session.value;
  return typeof held === "object" && roles.indexOf(held.role) >= roles.indexOf(role);
}

/** Asks who this browser is, and from then on notices when the server no longer knows it. */
export async function findSession(): Promise<void> {
  onAnswer((status, sentAtMs) => {
    // What was sent in the session before is refused, perhaps only now, and says nothing of this one.
    if (status === 401 && sentAtMs >= openedAtMs) session.value = "none";
  });
  for (;;) {
    const answer = await send<SessionView>("/v1/session");
    if (answer.kind === "answer") session.value = answer.value;
    else if (answer.fault.status !== 0) session.value = "none";
    if (session.value !== "asking") return;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Opens a session; the fault if the server refuses. */
export async function openSession(
  body: { readonly token: string } | { readonly link: string },
): Promise<Fault | undefined> {
  const answer = await send<SessionView>("/v1/session", { method: "POST", body });
  if (answer.kind === "fault") return answer.fault;
  openedAtMs = performance.now();
  session.value = answer.value;
  return undefined;
}

/** Ends the session. */
export async function closeSession(): Promise<void> {
  await send("/v1/session", { method: "DELETE" });
  session.value = "none";
}
