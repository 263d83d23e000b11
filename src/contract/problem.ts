import * as v from "valibot";
import { text } from "./bounded-values.ts";

/** RFC 9457, plus the next step. */
export const problem = v.object({
  kind: text,
  title: text,
  detail: text,
  next: text,
});
export type Problem = v.InferOutput<typeof problem>;
