/** The options of `birther demo`. */
export type DemoOptions = {
  readonly machines: number;
  readonly firmware: "bios" | "uefi" | "mixed";
  /** End when every machine is up or has failed. */
  readonly once: boolean;
  /** Print one JSON object as the last line of standard output. */
  readonly json: boolean;
  /** Keep directory, disks and logs. */
  readonly keep: boolean;
  /** Memory of each machine, in MiB. */
  readonly memory: number;
  /** Directory for disks, logs and state; a new one in $TMPDIR or /var/tmp if undefined. */
  readonly directory?: string;
  /** Minutes until a machine that is not up counts as failed. */
  readonly deadline: number;
  /** Minutes without progress until a machine counts as failed. */
  readonly stall: number;
};
