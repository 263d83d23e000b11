/** What `birther demo` was asked for. */
export type DemoOptions = {
  readonly machines: number;
  readonly firmware: "bios" | "uefi" | "mixed";
  /** End when every machine is up or has failed. */
  readonly once: boolean;
  /** Last line on standard output: one JSON object. */
  readonly json: boolean;
  /** Leave directory, disks and logs behind. */
  readonly keep: boolean;
  /** MiB of memory of each machine. */
  readonly memory: number;
  /** Where disks, logs and state go; a fresh one under /var/tmp if undefined. */
  readonly directory?: string;
  /** Minutes until a machine that is not up counts as failed. */
  readonly deadline: number;
  /** Minutes without progress until a machine counts as failed. */
  readonly stall: number;
};
