/** The observable phases of a machine, in the order of a birth. */
export const phases = [
  "offered",
  "loaderSent",
  "kernelSent",
  "initUp",
  "burnIn",
  "placed",
  "keysMade",
  "partitioned",
  "populated",
  "handedOver",
  "fetching",
  "updating",
  "rebooting",
  "up",
] as const;
export type Phase = (typeof phases)[number];

/** One line of a machine's timeline. `durationMs` is the duration of the phase, if init or the agent measured it. */
export type TimelineEntry = {
  readonly phase: Phase;
  readonly atMs: number;
  readonly durationMs?: number;
  readonly detail?: string;
};
