/** What happened: to machines, in their logs, in the audit, and to disks. */
import * as v from "valibot";
import { selectionQuery } from "./selection.ts";
import { timeMs, wholeNumber } from "./values.ts";

export const eventsQuery = v.strictObject({ limit: v.optional(wholeNumber(1, 10_000), "50") });

/** Which lines of a machine's log. */
export const logQuery = v.strictObject({
  boot: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^-?\d{1,4}$/, "expected the number of a boot, such as 0, -1 or 1"),
      v.transform(Number),
      v.description("only this boot: 0 is the latest, -1 the one before it, 1 the oldest that is kept"),
    ),
  ),
  sinceMs: v.exactOptional(v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("from this time on"))),
  afterMs: v.exactOptional(
    v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("`atMs` of the last line that the caller has")),
  ),
});

export const fleetEventsQuery = v.pipe(
  v.strictObject({
    ...selectionQuery.entries,
    since: v.exactOptional(
      v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("only changes after this position of the feed")),
    ),
    sinceMs: v.exactOptional(
      v.pipe(timeMs, v.description("only changes from this time on, in milliseconds since 1970")),
    ),
    limit: v.optional(wholeNumber(1, 5000), "500"),
  }),
  v.check(
    ({ since, sinceMs }) => (since === undefined) !== (sinceMs === undefined),
    "expected one of since and sinceMs",
  ),
);

export const auditQuery = v.strictObject({
  request: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(100), v.description("the id of a request, as entries have it")),
  ),
  about: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(255), v.description("a machine, or the key of a document")),
  ),
  before: v.exactOptional(
    v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("`before` of the page before: only older entries")),
  ),
  limit: v.optional(wholeNumber(1, 1000), "100"),
});

export const erasuresQuery = v.strictObject({
  serial: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(255), v.description("serial number or WWN of a disk, in full")),
  ),
  machine: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(255), v.description("a machine, or the id of a retired one")),
  ),
  sinceMs: v.exactOptional(
    v.pipe(timeMs, v.description("only erasures from this time on, in milliseconds since 1970")),
  ),
  before: v.exactOptional(
    v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("`before` of the page before: only older ones")),
  ),
  limit: v.optional(wholeNumber(1, 1000), "100"),
});

export const changesQuery = v.strictObject({
  since: v.exactOptional(
    v.pipe(
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      v.description("only changes after this position; a Last-Event-ID header says it, too, and counts more"),
    ),
  ),
});
