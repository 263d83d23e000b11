import type { Firmware } from "../../machine/record.ts";
import type { Attempt } from "./attempt.ts";
import type { LocalMethod } from "./method-table.ts";
import type { LocalClient } from "./methods.ts";

/** A model of machine by its SMBIOS strings: machines of one model share their firmware's behaviour. */
export type Model = { readonly vendor: string; readonly product: string; readonly firmware: Firmware };

/** What was learned about one stage of a model's firmware. */
export type Lesson = Model & {
  readonly client: LocalClient;
  /** Successes minus failures of each method; at most ±5. */
  readonly scores: { readonly [M in LocalMethod]?: number };
  readonly learnedAtMs: number;
};

/** Limit of a score, so that an upgraded firmware can still change it, and few records are written. */
const scoreLimit = 5;

/**
 * The lesson of a machine that comes up: its method works, and those it came back from do not. A machine that never comes up
 * teaches nothing, because its disk may be at fault.
 */
export function learnFrom(
  lesson: Lesson | undefined,
  seen: { readonly model: Model; readonly client: LocalClient; readonly attempt: Attempt },
  nowMs: number,
): Lesson {
  const { vendor, product, firmware } = seen.model;
  const { method, failed } = seen.attempt;
  const scores: { [M in LocalMethod]?: number } = { ...lesson?.scores };
  const add = (to: LocalMethod, by: number): void => {
    scores[to] = Math.max(-scoreLimit, Math.min(scoreLimit, (scores[to] ?? 0) + by));
  };
  add(method, 1);
  for (const other of new Set(failed)) if (other !== method) add(other, -1);
  const unchanged =
    lesson !== undefined && (Object.keys(scores) as LocalMethod[]).every((key) => scores[key] === lesson.scores[key]);
  return unchanged ? lesson : { vendor, product, firmware, client: seen.client, scores, learnedAtMs: nowMs };
}

/** The methods, best first; methods without a score keep their order. */
export function rankMethods(methods: readonly LocalMethod[], lesson: Lesson | undefined): readonly LocalMethod[] {
  if (lesson === undefined) return methods;
  const score = (method: LocalMethod): number => lesson.scores[method] ?? 0;
  return [...methods].sort((a, b) => score(b) - score(a));
}

/** Whether a lesson is about this stage of this model. */
export function isAbout(lesson: Lesson, model: Model, client: LocalClient): boolean {
  return (
    lesson.client === client &&
    lesson.vendor === model.vendor &&
    lesson.product === model.product &&
    lesson.firmware === model.firmware
  );
}

/** The document in which the Store keeps a lesson: one for each model and stage. */
export function lessonDocument(lesson: Lesson) {
  const { vendor, product, firmware, client } = lesson;
  return { kind: "lesson", key: [vendor, product, firmware, client].join("\t"), document: lesson } as const;
}

/** All lessons. */
export function lessonsOf(store: {
  readonly documents: (kind: "lesson") => readonly { readonly document: Lesson }[];
}): readonly Lesson[] {
  return store.documents("lesson").map(({ document }) => document);
}
