/**
 * What a healthy machine that the policy suspects has proved. Its next network boot gets the Bootstrap Image while `asked`;
 * init presents a token over TLS, is refused, and the machine is sent to its disk again. Nothing is erased meanwhile.
 */
export type RepairTrial = {
  /** Network boots whose init presented the token of its own boot script. */
  readonly boots: number;
  /** Time of the last step: it was asked for, or the last boot was proved. */
  readonly atMs: number;
  /** The next network boot is to be proved; absent while the disk has its chance. */
  readonly asked?: true;
};

/** One step of the repair policy; `prove` asks a healthy machine to prove that it restarts. */
export const repairSteps = ["prove", "rebirth", "debug", "hold"] as const;
export type RepairStep = (typeof repairSteps)[number];
