import type { Context } from "hono";
import type { Machine } from "../../core/machine/record.ts";
import { faultAnswer, type Read } from "../http/problem.ts";

/** The entity tag of a record (RFC 9110 §8.8.3). */
export function entityTag({ revision }: Pick<Machine, "revision">): string {
  return `"${revision}"`;
}

/**
 * The revision that a change expects, from its `If-Match` (RFC 9110 §13.1.1); none if the header is missing or `*`. A
 * header that names only other revisions is refused.
 */
export function expectedRevision(c: Context, machine: Machine): Read<number | undefined> {
  const header = c.req.header("if-match");
  if (header === undefined || header.trim() === "*") return { kind: "read", value: undefined };
  const tags = header.split(",").map((tag) => tag.trim());
  if (tags.includes(entityTag(machine))) return { kind: "read", value: machine.revision };
  const detail = `if-match: expected ${entityTag(machine)}, found ${header.slice(0, 100)}`;
  return {
    kind: "refused",
    response: faultAnswer(c, "stale", detail, "read the record again, and retry with its new ETag"),
  };
}

/** Like `expectedRevision`, but for changes that require an `If-Match`. */
export function demandedRevision(c: Context, machine: Machine): Read<number | undefined> {
  if (c.req.header("if-match") !== undefined) return expectedRevision(c, machine);
  const detail = "if-match: expected the ETag of the record as read, or *, found none";
  return {
    kind: "refused",
    response: faultAnswer(c, "unconditional", detail, "read the record, and send its ETag as If-Match"),
  };
}
