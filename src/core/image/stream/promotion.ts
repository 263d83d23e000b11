import type { Refusal } from "../../machine/event.ts";
import { nameOf } from "../../machine/life/move.ts";
import type { Machine } from "../../machine/record.ts";
import { canaryProgress, whyNoCanary } from "./canary.ts";
import { type ImageStream, imageOf } from "./image-stream.ts";
import type { StreamSurvey } from "./survey.ts";

/** What an operator asks of a promotion: one machine first, then `all`. */
export type PromotionRequest = {
  readonly version: number;
  /** The machine that gets the version first. */
  readonly canary?: Machine | undefined;
  /** Go on with all machines once the first one is up. */
  readonly all?: true | undefined;
  /** With `all`: no machine tries it first. */
  readonly skipCanary?: true | undefined;
};

/** What a promotion or a return is decided on. */
export type PromotionContext = {
  readonly stream: string;
  /** What the MDB holds about the stream. */
  readonly held: ImageStream | undefined;
  readonly survey: StreamSurvey;
  readonly by: string;
  readonly nowMs: number;
  /** An external Dominator updates the machines. */
  readonly othersUpdate?: boolean | undefined;
};

/** The new facts of a stream, or why nothing changes. */
export type StreamDecision =
  | { readonly kind: "changed"; readonly held: ImageStream }
  | { readonly kind: "unchanged"; readonly held: ImageStream }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * Promotes a version of a stream. The first request gives it to one machine; `all`, once that machine is up with it, makes it
 * current. Repeating a request changes nothing, so an interrupted one is resumed by asking again.
 */
export function decidePromotion(request: PromotionRequest, context: PromotionContext): StreamDecision {
  const { stream, held, survey } = context;
  if (held === undefined) return makeCurrent(undefined, request.version, context);
  const { promotion } = held;
  const going = promotion !== undefined ? imageOf(held, promotion.version) : undefined;
  if (promotion !== undefined && promotion.version !== request.version)
    return refuse(
      `${going} is being tried on ${canaryName(held, survey)}, since ${promotion.by} promoted it`,
      `go on with it: birther image promote ${going} --all; or return that machine: birther image rollback ${stream}`,
    );
  if (promotion === undefined && held.current === request.version)
    return held.moving === true ? { kind: "changed", held } : { kind: "unchanged", held };
  if (request.all === true && request.skipCanary === true) return makeCurrent(held, request.version, context);
  if (promotion === undefined) return beginTrial(held, request, context);
  if (request.canary !== undefined && request.canary.id !== promotion.canary)
    return refuse(
      `${going} is already being tried on ${canaryName(held, survey)}`,
      `to try it on another machine, first run birther image rollback ${stream}`,
    );
  if (request.all !== true) return { kind: "unchanged", held };
  const progress = canaryProgress(held, survey.canary, { promotion, othersUpdate: context.othersUpdate });
  if (progress.kind === "succeeded") return makeCurrent(held, request.version, context);
  return refuse(
    `${canaryName(held, survey)} does not run ${going} yet: ${progress.reason}`,
    `wait for it, or return it: birther image rollback ${stream}; to give the version to all machines nevertheless: birther image promote ${going} --all --no-canary`,
  );
}

/** Gives the version to one machine; to all at once if no machine follows the stream. */
function beginTrial(held: ImageStream, request: PromotionRequest, context: PromotionContext): StreamDecision {
  const { stream, survey, by, nowMs } = context;
  if (survey.followers === 0) return makeCurrent(held, request.version, context);
  const why = request.canary === undefined ? undefined : whyNoCanary(request.canary, held);
  if (request.canary !== undefined && why !== undefined)
    return refuse(
      `${nameOf(request.canary)} cannot be the first machine of ${stream}: ${why}`,
      "name another machine with --canary, or leave the choice to the server",
    );
  const canary = request.canary ?? survey.candidate;
  if (canary === undefined)
    return refuse(
      `no machine that follows ${stream} is up, without a condition and with updates enabled, to try ${imageOf(held, request.version)}`,
      "to give the version to all machines without a trial: --all --no-canary",
    );
  return {
    kind: "changed",
    held: { ...held, promotion: { version: request.version, canary: canary.id, by, atMs: nowMs } },
  };
}

/** Makes a version current: every machine that follows the stream gets it. */
function makeCurrent(held: ImageStream | undefined, version: number, context: PromotionContext): StreamDecision {
  const { stream, by, nowMs } = context;
  const previous = held === undefined || held.current === version ? held?.previous : held.current;
  return {
    kind: "changed",
    held: {
      ...{ stream, current: version, by, atMs: nowMs, moving: true },
      ...(previous === undefined ? {} : { previous }),
    },
  };
}

/** Ends a trial and returns its machine to the current version; without a trial, makes the version before current again. */
export function decideRollback(context: PromotionContext): StreamDecision {
  const { stream, held } = context;
  if (held === undefined)
    return refuse(`${stream} has no current version`, "to list the streams, run birther image list");
  const { promotion, ...kept } = held;
  if (promotion !== undefined) return { kind: "changed", held: { ...kept, moving: true } };
  if (held.previous === undefined)
    return refuse(
      `${imageOf(held, held.current)} is the only version of ${stream} that was ever current`,
      `to make another version current: birther image promote ${stream}/VERSION`,
    );
  return makeCurrent(held, held.previous, context);
}

function canaryName(held: ImageStream, { canary }: StreamSurvey): string {
  return canary === undefined ? (held.promotion?.canary ?? "") : nameOf(canary);
}

function refuse(message: string, next: string): StreamDecision {
  return { kind: "refused", refusal: { kind: "promotionRefused", message, next } };
}

/**
 * The first current version of a stream that has none: the newest of those imported and those that its machines run, so that
 * no machine moves back. Undefined if the stream has no version.
 */
export function firstCurrent(stream: string, known: readonly { readonly stream: string; readonly version: number }[]) {
  const versions = known.filter((image) => image.stream === stream).map(({ version }) => version);
  return versions.length === 0 ? undefined : Math.max(...versions);
}
