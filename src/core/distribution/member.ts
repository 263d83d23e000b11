import type { MachineId } from "../machine/record.ts";

/** A machine that fetches an image or has it. */
export type Member = {
  readonly id: MachineId;
  /** Machines with the same one share a switch, and reach each other without the rack's uplink. */
  readonly rack: string;
  readonly totalBytes: number;
  /** What it has of the image, verified. */
  readonly doneBytes: number;
  /** Whether it serves others. */
  readonly serves: boolean;
  /** It runs a workload, and gives only a little of its link. */
  readonly isWorking: boolean;
  /** It serves the files of its system: it has fetched nothing, and polls. */
  readonly isSeed?: boolean;
  /** From whom it fetches; undefined while it waits, and once it has everything. */
  readonly from: MachineId | "origin" | undefined;
  /** Its place in the order in which machines began to fetch. */
  readonly order: number;
  /** Machines that got nothing or wrong contents from it. */
  readonly accusers: ReadonlySet<MachineId>;
  /** The rate at which it got contents lately; undefined until it has told twice how far it is. */
  readonly bytesPerSecond?: number | undefined;
};

/** Whether a member has something to send: what it fetches, or everything. */
export function isSource({ serves, from, doneBytes, totalBytes }: Member): boolean {
  return serves && (from !== undefined) === doneBytes < totalBytes;
}
