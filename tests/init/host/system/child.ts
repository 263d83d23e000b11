/** A process that PID 1 started and has not reaped. */
export type Child = {
  readonly hasEnded: () => boolean;
  /** In the format of waitpid(2). */
  readonly status: () => number;
  readonly kill: (signal: number) => void;
};
