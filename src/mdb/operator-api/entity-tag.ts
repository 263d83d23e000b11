import type { Context } from "hono";
import type { Machine } from "../../core/machine/record.ts";
import { faultAnswer, type Read } from "../http/problem.ts";

/** The entity tag of a record (RFC 9110 §8.8.3). */
export function entityTag({ revision }: Pick<Machine, "revision">): string {
  return `"${revision}"`;
}

/**
 * The revision that a change wants to find, by its `If-Match` (RFC 9110 §13.1.1); none where there is no such header or
 * it is `*`. One that names other revisions than the record's is refused.
 */
export function expectedRevision(c: Context, machine: Machine): Read<number | undefined> {
  const header = c.req.header("if-match");
  if (header === undefined || header.trim() === "*") return { kind: "read", value: undefined };
  const tags = header.split(",").map((tag) => tag.trim());
  if (tags.includes(entityTag(machine))) return { kind: "read", value: machine.revision };
  const detail = `if-match is ${header.slice(0, 100)}; the record is ${entityTag(machine)}`;
  return { kind: "refused", response: faultAnswer(c, "stale", detail, "read it again, and ask again with its ETag") };
}

/** Like `expectedRevision`, for changes that must say what they saw. */
export function demandedRevision(c: Context, machine: Machine): Read<number | undefined> {
  if (c.req.header("if-match") !== undefined) return expectedRevision(c, machine);
  const detail = "if-match: missing: expected the ETag of the record as read, or *";
  return {
    kind: "refused",
    response: faultAnswer(c, "unconditional", detail, "read it, and send its ETag as If-Match"),
  };
}
