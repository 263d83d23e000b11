/** What init reports during a birth, and at its end. */
import * as v from "valibot";
import type { StorageReport } from "../../core/machine/storage.ts";
import { type WorkProgress, works } from "../../core/machine/work-progress.ts";
import { neighbourLimit } from "../../core/site/placement.ts";
import { count, name, text } from "../bounded-values.ts";
import { pinned } from "../same.ts";
import { burnInReport } from "./burn-in.ts";
import { diskErasure } from "./erasure.ts";
import { hardware } from "./hardware.ts";
import { neighbour, placement } from "./placement.ts";
import { dataDisks, diskIdentity, storageReport } from "./storage.ts";

/** core/machine/work-progress.ts */
export const workProgress = v.object({
  ...{ what: v.picklist(works), done: count, total: count },
  ...{ current: v.exactOptional(name), currentPercent: v.exactOptional(v.pipe(count, v.maxValue(100))) },
});

/** One item of a report; a request contains several, in the order in which they happened. */
export const reportItem = v.variant("kind", [
  v.object({
    kind: v.literal("phase"),
    phase: v.picklist(["initUp", "burnIn", "placed", "keysMade", "partitioned", "populated", "handedOver"]),
    durationMs: v.exactOptional(count),
    detail: v.exactOptional(text),
  }),
  v.object({ kind: v.literal("hardware"), hardware }),
  v.object({ kind: v.literal("burnIn"), report: burnInReport }),
  /** `dataDisks` only to a server that has sent layouts. */
  v.object({
    kind: v.literal("placed"),
    placement,
    rootDisk: v.exactOptional(diskIdentity),
    dataDisks: v.exactOptional(dataDisks),
  }),
  v.object({ kind: v.literal("neighbours"), neighbours: v.pipe(v.array(neighbour), v.maxLength(neighbourLimit)) }),
  v.object({ kind: v.literal("failed"), step: text, reason: text, conflict: v.exactOptional(v.literal(true)) }),
  /** Only to a server that takes it (`takesProgress`). */
  v.object({ kind: v.literal("progress"), ...workProgress.entries }),
  /** Only to a server that keeps it (`keepsErasures`). */
  v.object({ kind: v.literal("erasure"), erasure: diskErasure }),
  v.object({ kind: v.literal("log"), lines: v.pipe(v.array(text), v.maxLength(1000)) }),
]);
export type ReportItem = v.InferOutput<typeof reportItem>;

/** A report as init sends it. */
export type SentReportItem = v.InferInput<typeof reportItem>;

export const reportRequest = v.object({ items: v.array(reportItem) });

/** `suspect`: the burn-in in this report has figures far from those of the machine's siblings. Servers before it say nothing. */
export const reportAnswer = v.object({ suspect: v.exactOptional(v.literal(true)) });
export type ReportAnswer = v.InferOutput<typeof reportAnswer>;

export const healthyRequest = v.object({
  generation: count,
  image: text,
  placement,
  storage: storageReport,
});

/** The request as init sends it. */
export type HealthyRequest = Omit<v.InferInput<typeof healthyRequest>, "storage"> & { readonly storage: StorageReport };

/** The answer to `paths.healthy`, and to `paths.resume`, whose request is an empty object. */
export const healthyAnswer = v.object({
  /** The bearer credential of this machine's sub. */
  subToken: text,
});
export type HealthyAnswer = v.InferOutput<typeof healthyAnswer>;

pinned<WorkProgress>()(workProgress);
