import type { Phase } from "./phase.ts";

/** The kinds of condition: a circumstance that stays until an event clears it, separate from state and phase. */
export const conditionKinds = ["hold", "failing", "debug", "maintenance", "conflict", "waiting", "retired"] as const;
export type ConditionKind = (typeof conditionKinds)[number];
/** How the places of machines can contradict the record; each is named with both sides in the condition's reason. */
export const placeTroubles = ["cableMoved", "nicMoved", "slotClaimedTwice", "switchRenamed"] as const;
export type PlaceTrouble = (typeof placeTroubles)[number];

export type Condition = {
  readonly kind: ConditionKind;
  /** One sentence for the operator: what is wrong and, if known, what to do. */
  readonly reason: string;
  readonly sinceMs: number;
  /** What happened to its cable, NIC, slot or switch; absent in records of older versions. */
  readonly trouble?: PlaceTrouble;
  /** Stall detection set it, and clears it once the machine makes progress. */
  readonly watched?: true;
  /** What an operator has to order, because the machine cannot continue by itself. */
  readonly remedy?: Remedy;
  /** A step failed in this phase: the condition ends when the machine gets past it. */
  readonly failedIn?: Phase;
  /** The agent is silent: the condition ends when it polls. */
  readonly untilPoll?: true;
  /** A token came without a proof of the machine's TPM: the condition ends when the machine proves it. */
  readonly untilProof?: true;
  /** The server has no Bootstrap Image for its architecture: the condition ends with the first request that finds one. */
  readonly withoutImage?: true;
  /** The image whose update was stopped: the condition ends when the update goes on, or another image is required. */
  readonly image?: string;
};

/** What an operator can order for a machine that a condition keeps from its work. */
export const remedies = ["rebirth"] as const;
export type Remedy = (typeof remedies)[number];
