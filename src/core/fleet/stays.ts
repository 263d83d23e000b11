import type { Phase } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";

/** A machine's stay in a phase: from its entry until the next, or until now. */
export type Stay = {
  readonly phase: Phase;
  readonly atMs: number;
  readonly untilMs: number;
  /** It has not ended. */
  readonly isOpen: boolean;
  /** It belongs to the birth of the current generation, which ends when the machine is up for the first time. */
  readonly inBirth: boolean;
  readonly detail?: string;
};

/**
 * The stays of the current generation, oldest first. The timeline keeps its newest entries only: what precedes an *up* without
 * having been handed over may be an update, and is no part of the birth.
 */
export function staysOf({ timeline }: Pick<Machine, "timeline">, nowMs: number): readonly Stay[] {
  const up = timeline.findIndex(({ phase }) => phase === "up");
  const isKnown = up === -1 || timeline.slice(0, up).some(({ phase }) => phase === "handedOver");
  return timeline.map(({ phase, atMs, detail }, at) => {
    const next = timeline[at + 1];
    return {
      ...{ phase, atMs, untilMs: Math.max(atMs, next?.atMs ?? nowMs), isOpen: next === undefined },
      inBirth: isKnown && (up === -1 || at < up),
      ...(detail === undefined ? {} : { detail }),
    };
  });
}
