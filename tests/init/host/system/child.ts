/** A process that PID 1 started and has not waited for. */
export type Child = {
  readonly hasEnded: () => boolean;
  /** As waitpid(2) gives it. */
  readonly status: () => number;
  readonly kill: (signal: number) => void;
};
