import type { DiskIdentity, Recognition } from "../hardware/disk-identity.ts";
import type { BurnInReport, Hardware, Smbios } from "../hardware/hardware.ts";
import type { Mac } from "../net/mac.ts";
import type { Placement } from "../site/placement.ts";

declare const machineIdBrand: unique symbol;

/**
 * Names a machine for life, whatever its NICs, board or place become: `m-` and the twelve hex digits of the MAC first seen;
 * `p-` and the place of one that is announced by its place only, until the machine that comes there takes that over.
 */
export type MachineId = string & { readonly [machineIdBrand]: true };

/** What we intend for a machine (source document, "The Birther"). */
export const machineStates = ["unknown", "birth", "healthy", "rebirth", "clean"] as const;
export type MachineState = (typeof machineStates)[number];

/** What an order may tell a machine to do. */
export const birthActions = ["birth", "rebirth", "clean"] as const;
export type BirthAction = (typeof birthActions)[number];

/** What was last seen of a machine, in the order in which a birth passes through them. */
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

/** A named circumstance that stands until something takes it away; kept apart from state and phase. */
export const conditionKinds = ["hold", "failing", "debug", "maintenance", "conflict", "waiting", "retired"] as const;
export type ConditionKind = (typeof conditionKinds)[number];
export type Condition = {
  readonly kind: ConditionKind;
  /** One sentence for a person: what is the matter and, where it can be said, what to do. */
  readonly reason: string;
  readonly sinceMs: number;
  /** The watch set it, and takes it away when the machine gets on. */
  readonly watched?: true;
  /** What an operator has to order, because the machine cannot get on by itself. */
  readonly remedy?: Remedy;
};

/** What an operator can order for a machine that a condition keeps from its work. */
export const remedies = ["rebirth"] as const;
export type Remedy = (typeof remedies)[number];

export type Firmware = "bios" | "uefi";

/** How the machine's storage is protected; `none` says why, because the record must. */
export type StorageReport = {
  readonly rootDisk: {
    readonly path: string;
    readonly serial: string;
    readonly wwn?: string;
    readonly sizeBytes: number;
    readonly why: string;
    /** How a rebirth finds it again; absent in records of older versions. */
    readonly recognition?: Recognition;
  };
  /** All disks that were in the machine then: what is not among them later is new. Absent in records of older versions. */
  readonly disks?: readonly DiskIdentity[];
  readonly encryption:
    | { readonly kind: "luks2"; readonly keyIn: "uefi-variable" }
    | { readonly kind: "none"; readonly reason: string };
};

/** The permission to write to a machine's disks: single use, expiring, bound to machine, action and generation. */
export type Order = {
  /** SHA-256 of the token that stood in the boot script, lower-case hex. */
  readonly tokenHash: string;
  readonly action: BirthAction;
  readonly generation: number;
  readonly expiresAtMs: number;
  /** Set when init has taken the order: the boot it was given to, and the hash of the session secret of that boot. */
  readonly taken?: { readonly bootId: string; readonly sessionHash: string; readonly atMs: number };
};

/** Per-machine PXE history: requests seen and answers given (source document, "The Birther"). */
export type PxeStatistics = {
  readonly requests: number;
  readonly responses: number;
  readonly lastRequestAtMs: number;
  readonly lastAnswer: string;
};

/** One line of a machine's timeline. `durationMs` is how long the phase took, where init or sub measured it. */
export type TimelineEntry = {
  readonly phase: Phase;
  readonly atMs: number;
  readonly durationMs?: number;
  readonly detail?: string;
};

/** A switch port, as LLDP names it (core/site/placement.ts). */
export type SwitchPort = { readonly switchName: string; readonly port: string };

/** What an operator said of a machine before it came: which name or place it must have to be let in. */
export type Announcement = {
  readonly by: string;
  readonly atMs: number;
  readonly hostname?: string;
  readonly place?: SwitchPort;
};

/** All that the MDB holds of one machine. Changed only by `decide` in life.ts. */
export type Machine = {
  readonly id: MachineId;
  /** Grows by one with each change: optimistic concurrency and the change feed hang on it. */
  readonly revision: number;
  readonly createdAtMs: number;
  readonly macs: readonly Mac[];
  readonly state: MachineState;
  /**
   * Grows by one each time a birth, rebirth or clean is asked for; an order names it. Attempts of one generation may write
   * to the disks again and again until the machine is healthy; then it is used up, and no order of it counts any more.
   */
  readonly generation: number;
  readonly phase?: Phase;
  readonly phaseAtMs?: number;
  readonly conditions: readonly Condition[];
  readonly firmware?: Firmware;
  /** Name of the network the machine was last seen on. */
  readonly network?: string;
  /** Dotted-quad text, here and below. */
  readonly temporaryAddress?: string;
  readonly permanentAddress?: string;
  readonly hostname?: string;
  readonly placement?: Placement;
  /** What the Dominator drives the machine to: an operator's choice (`pinnedImage`), else that of the image rules. */
  readonly requiredImage?: string;
  /** The image that an operator requires; it outlives rebirths. A machine that failed its burn-in gets what the rules say all the same. */
  readonly pinnedImage?: string;
  /** What the machine is to have next, for those who prepare it. */
  readonly plannedImage?: string;
  /** The running image is left as it is. A machine that has none yet still gets its first. */
  readonly disableUpdates?: true;
  /** Operators' labels. */
  readonly tags?: { readonly [name: string]: string };
  /** Who owns it. */
  readonly groups?: readonly string[];
  /** There when the machine was announced, until it is healthy. */
  readonly announced?: Announcement;
  /** A move to another place is authorised for this generation. */
  readonly mayMove?: true;
  /** An operator allows the first birth of this machine to erase what was found on its disks. */
  readonly mayWipe?: { readonly by: string; readonly atMs: number };
  /** The root disk of a first birth whose place was accepted: from then on the birth writes to this disk and no other. */
  readonly birthDisk?: DiskIdentity;
  /** An operator allows this generation another root disk than the recorded one: which, by serial number, WWN or path. */
  readonly allowedDisk?: { readonly selector?: string; readonly by: string };
  /** Addresses of `macs` that another machine was found to have as well: whoever asks by them is not taken for this machine. */
  readonly disputedMacs?: readonly Mac[];
  /** What the sub last said it runs. */
  readonly runningImage?: string;
  readonly smbios?: Smbios;
  readonly hardware?: Hardware;
  readonly burnIn?: BurnInReport;
  readonly storage?: StorageReport;
  readonly pxe: PxeStatistics;
  readonly order?: Order;
  /** SHA-256 of the sub's credential, lower-case hex. */
  readonly subTokenHash?: string;
  /** The last thing the sub or init was heard to say. */
  readonly lastSeenAtMs: number;
  /** The phases of the current generation, oldest first; started anew with each generation. */
  readonly timeline: readonly TimelineEntry[];
  /** Starts of a healthy machine that asked PXE since its sub was last heard. */
  readonly unheardBoots?: { readonly count: number; readonly lastAtMs: number };
  /** When it was last sent to rebirth or clean, and by whom; `override` if it was more than the blast radius allows, which counts by this. */
  readonly sentAway?: { readonly atMs: number; readonly by: string; readonly override?: true };
  /** What the configured policy did about a machine that kept failing. */
  readonly repair?: {
    readonly rebirthsAtMs: readonly number[];
    /** Of its last step. */
    readonly atMs: number;
    /** When it was left to a person; a burn-in that passes may have taken the condition away since. */
    readonly debugAtMs?: number;
    /** Its rebirth has not begun: a word of the old sub takes it back. */
    readonly pending?: true;
  };
  /** What to return to if the rebirth or clean is taken back; there only as long as no order of it was taken. */
  readonly wayBack?: Pick<Machine, "phase" | "phaseAtMs" | "timeline" | "sentAway">;
};

export type RepairStep = "rebirth" | "debug" | "hold";
