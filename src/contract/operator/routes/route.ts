import type * as v from "valibot";
import type { Role } from "../../../core/role.ts";

/** One row of the table. */
export type Route = {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** `:name` is a hostname, id, address or MAC address. */
  readonly path: `/${string}`;
  /** The minimum role of the caller; `anyone` needs no token. */
  readonly role: Role | "anyone";
  /** A short description of the route. */
  readonly says: string;
  readonly query: v.GenericSchema;
  readonly body?: v.GenericSchema;
  /** Content type of the body; application/json by default. */
  readonly bodyType?: string;
  /** The headers that the route reads. */
  readonly headers?: readonly { readonly name: string; readonly says: string; readonly required?: true }[];
  /** The body of a successful answer. */
  readonly answer: v.GenericSchema;
  /** Content type of the answer if it is not application/json; `answer` is then one item of it. */
  readonly answerType?: string;
  /** 200 by default. */
  readonly status?: 201;
};

/** The header in which a caller says why, for the audit; percent-encoded UTF-8. */
export const reasonHeader = "birther-reason";
/** Characters of a reason. */
export const reasonLimit = 500;
/** The header of an answer with the id by which the audit names the request. */
export const requestHeader = "birther-request";

/** The header that protects a change from overwriting another one. */
export const ifMatch = {
  name: "If-Match",
  says: "the ETag of the record as read; refused if the record has changed; * matches any",
};

/** Rows by the name of their route. */
export type Routes = { readonly [route: string]: Route };
