/**
 * What answers to operators are made of. The server does not check its own answers with their schemas; these are the source of
 * docs/openapi.json, and a test parses real answers with them.
 */
import * as v from "valibot";
import { phases } from "../../../core/machine/phase.ts";
import { count } from "../../bounded-values.ts";

export const text = v.string();
/** Milliseconds since 1970. */
export const timeMs = v.pipe(v.number(), v.minValue(0), v.description("milliseconds since 1970"));
/** How often each of some texts occurred. */
export const counts = v.record(text, count);
export const phase = v.picklist(phases);
