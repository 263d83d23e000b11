import type { AuditAnswer } from "../../../contract/operator/answers/audit.ts";
import type { AuditView } from "../../../contract/operator/views.ts";
import type { MachineId } from "../../../core/machine/record.ts";
import type { AuditEntry, Store } from "../../../core/ports.ts";
import { answerJson } from "../../http/json-answer.ts";
import { jsonList } from "../../http/json-list.ts";
import { faultAnswer } from "../../http/problem.ts";
import type { Handlers, RouteRequest } from "../handler.ts";
import { tokenLimit } from "./tokens.ts";

/** The routes for tokens and the audit. */
export const tokenHandlers: Handlers<"tokens" | "createToken" | "revokeToken" | "audit"> = {
  tokens: ({ c, deps }) => answerJson(c, { tokens: deps.tokens.list() }),
  createToken: async ({ c, deps, body, caller }) => {
    const made = await deps.tokens.create({ ...body, by: caller.name });
    if (made.kind === "created") return answerJson(c, { ...made.view, token: made.token }, { status: 201 });
    if (made.kind === "tooMany")
      return faultAnswer(
        c,
        "tooManyTokens",
        `expected at most ${tokenLimit} tokens, found one more`,
        "birther tokens list shows who used which and when; revoke those that nobody uses",
      );
    const detail = `name: expected an unused name, found an existing token ${body.name}`;
    return faultAnswer(c, "tokenTaken", detail, `choose another name, or run birther tokens revoke ${body.name} first`);
  },
  revokeToken: async ({ c, deps, caller }) => {
    const name = c.req.param("name") ?? "";
    if (await deps.tokens.revoke(name, caller.name)) return answerJson(c, { name });
    return faultAnswer(
      c,
      "noSuchToken",
      `no token is named ${name.slice(0, 100)}`,
      "to list all tokens, run birther tokens list",
    );
  },
  audit,
};

/** The audit entries, newest first. */
async function audit({ c, deps, query }: RouteRequest<"audit">): Promise<Response> {
  const { about, request, before, limit } = query;
  await deps.takeActs?.();
  // Requests one more entry than asked for, to learn whether there are more.
  const entries = await deps.store.audit({
    ...(about === undefined ? {} : { subject: deps.store.find(about)?.id ?? about }),
    ...(request === undefined ? {} : { request }),
    ...(before === undefined ? {} : { beforePosition: before }),
    limit: limit + 1,
  });
  const page = entries.slice(0, limit);
  const oldest = page.at(-1);
  const rest = entries.length > limit && oldest !== undefined ? { before: oldest.position } : {};
  return jsonList<AuditAnswer, "entries">(c, {
    name: "entries",
    items: page.map((entry) => withName(entry, deps.store)),
    rest,
  });
}

/** An entry with the hostname that its machine has, or that it had last. */
function withName(entry: AuditEntry, store: Pick<Store, "get">): AuditView {
  const machine = store.get(entry.subject as MachineId);
  const [after, before] = [entry.after, entry.before].map((value) => (value ?? {}) as { readonly hostname?: unknown });
  const name = machine?.hostname ?? after?.hostname ?? before?.hostname;
  return typeof name === "string" ? { ...entry, name } : entry;
}
