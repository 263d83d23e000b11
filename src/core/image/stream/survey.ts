import { nameOf } from "../../machine/life/move.ts";
import type { Machine } from "../../machine/record.ts";
import { whyNoCanary } from "./canary.ts";
import { followedStream, type ImageStream, imageOf } from "./image-stream.ts";

/** What promotions and operators need to know of the machines of a stream, counted over the fleet once. */
export type StreamSurvey = {
  /** Machines that follow the stream, and those of them that run its current version. */
  readonly followers: number;
  readonly onCurrent: number;
  /** The machine that tries a version if no operator names one: the first by name of those that can; undefined if none can. */
  readonly candidate: Machine | undefined;
  /** The machine that tries a version now; undefined if there is none, or its record is gone. */
  readonly canary: Machine | undefined;
};

/** The stream that is surveyed; `held` is undefined if it has no current version. */
export type SurveyedStream = { readonly stream: string; readonly held: ImageStream | undefined };

/** The survey of a fleet without machines. */
export const noMachines: StreamSurvey = { followers: 0, onCurrent: 0, candidate: undefined, canary: undefined };

/** The survey with one more machine. */
export function withMachine(survey: StreamSurvey, machine: Machine, { stream, held }: SurveyedStream): StreamSurvey {
  const tries = held?.promotion?.canary === machine.id;
  if (followedStream(machine) !== stream) return tries ? { ...survey, canary: machine } : survey;
  const { candidate } = survey;
  const isBefore = candidate === undefined || nameOf(machine) < nameOf(candidate);
  const runsCurrent = held !== undefined && machine.runningImage === imageOf(held, held.current);
  return {
    followers: survey.followers + 1,
    onCurrent: survey.onCurrent + (runsCurrent ? 1 : 0),
    candidate: isBefore && whyNoCanary(machine, { stream }) === undefined ? machine : candidate,
    canary: tries ? machine : survey.canary,
  };
}
