import { faultAnswer } from "../../http/problem.ts";
import type { Asked, Handlers } from "../handler.ts";

/** The routes about who may do what, and who did. */
export const tokenHandlers: Handlers<"tokens" | "createToken" | "revokeToken" | "audit"> = {
  tokens: ({ c, deps }) => c.json({ tokens: deps.tokens.list() }),
  createToken: async ({ c, deps, body, caller }) => {
    const made = await deps.tokens.create({ ...body, by: caller.name });
    if (made.kind === "created") return c.json({ ...made.view, token: made.token }, 201);
    const detail = `name: there is a token of the name ${body.name}`;
    return faultAnswer(c, "tokenTaken", detail, `choose another name, or: birther tokens revoke ${body.name}`);
  },
  revokeToken: async ({ c, deps, caller }) => {
    const name = c.req.param("name") ?? "";
    if (await deps.tokens.revoke(name, caller.name)) return c.json({ name });
    return faultAnswer(
      c,
      "noSuchToken",
      `no token has the name ${name.slice(0, 100)}`,
      "birther tokens list shows them",
    );
  },
  audit,
};

/** Who changed what, newest first. */
async function audit({ c, deps, query }: Asked<"audit">): Promise<Response> {
  const { about, before, limit } = query;
  // One more than is asked for tells whether there are more.
  const entries = await deps.store.audit({
    ...(about === undefined ? {} : { subject: deps.store.find(about)?.id ?? about }),
    ...(before === undefined ? {} : { beforePosition: before }),
    limit: limit + 1,
  });
  const page = entries.slice(0, limit);
  const more = entries.length > limit ? { before: page.at(-1)?.position } : {};
  return c.json({ entries: page, ...more });
}
