import type { AgentReport } from "../agent/version.ts";
import type { EraseWish } from "../erasure/erase-wish.ts";
import type { DiskIdentity, Recognition } from "../hardware/disk-identity.ts";
import type { BurnInReport, Hardware, Smbios } from "../hardware/hardware.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Neighbour, Placement, RelayPort } from "../site/placement.ts";
import type { TpmBinding } from "../tpm/claim.ts";
import type { DiskKeyState, KeySealing } from "../tpm/disk-key.ts";
import type { MeasuredBoot } from "../tpm/measured-boot.ts";
import type { NamedArchitecture } from "./architecture.ts";

declare const machineIdBrand: unique symbol;

/**
 * The permanent id of a machine, independent of its NICs, board and slot: `m-` and the twelve hex digits of the MAC seen first;
 * `p-` and the slot for a machine that is announced by its slot only, until the machine in that slot absorbs the record.
 */
export type MachineId = string & { readonly [machineIdBrand]: true };

/** What we intend for a machine (source document, "The Birther"). */
export const machineStates = ["unknown", "birth", "healthy", "rebirth", "clean"] as const;
export type MachineState = (typeof machineStates)[number];

/** The actions that an order may permit. */
export const birthActions = ["birth", "rebirth", "clean"] as const;
export type BirthAction = (typeof birthActions)[number];

/**
 * What an order may permit: an installation, or to resume the agent of a machine that lost power before its first image
 * was installed, or to recover a sealed disk key. To resume or recover erases nothing.
 */
export const orderActions = [...birthActions, "resume", "recover"] as const;
export type OrderAction = (typeof orderActions)[number];

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

export type Firmware = "bios" | "uefi";

/** The boot order of a UEFI machine, by the names of its entries. */
export type BootOrder = {
  readonly entries: readonly string[];
  /** Why the first entry is first: the machine came by it, it is the likeliest network entry, or there is none. */
  readonly firstBy: "bootCurrent" | "guess" | "none";
  /** Why the order could not be written; the firmware then finds the loader at the fallback path. */
  readonly fault?: string;
};

/** A volume beside the root: swap, another volume on the root disk, or a data disk. It is encrypted if the root is; swap always is. */
export type VolumeReport = {
  readonly name: string;
  readonly disk: DiskIdentity;
  readonly sizeMiB: number;
  readonly mountPoint?: string;
};

/** The disks of a mirrored root that the running system works without: they failed, are gone, or came back with old data. */
export const mirrorDisks = ["rootDisk", "mirrorDisk"] as const;
export type MirrorState = { readonly missing: readonly (typeof mirrorDisks)[number][] };
/** The same, and since when. */
export type MirrorRecord = MirrorState & { readonly sinceMs: number };

/** How the machine's storage is protected; `none` carries the reason. */
export type StorageReport = {
  readonly rootDisk: {
    readonly path: string;
    readonly serial: string;
    readonly wwn?: string;
    readonly sizeBytes: number;
    readonly why: string;
    /** How a rebirth finds it again; absent in records of older versions. */
    readonly recognition?: Recognition;
    /** The number by which its BIOS starts it; absent on UEFI, and if the BIOS does not say. */
    readonly biosDrive?: number;
  };
  /** All disks that were in the machine then: what is not among them later is new. Absent in records of older versions. */
  readonly disks?: readonly DiskIdentity[];
  /** The layout profile; absent without one, and in records of older versions. */
  readonly layout?: string;
  /** The second disk of a mirrored root; absent if there is none. */
  readonly mirrorDisk?: DiskIdentity;
  /** Absent if there are none. */
  readonly volumes?: readonly VolumeReport[];
  /** The boot order that a birth on UEFI left; absent in records of older versions. */
  readonly bootOrder?: BootOrder;
  readonly encryption:
    | {
        readonly kind: "luks2";
        readonly keyIn: "uefi-variable" | "tpm";
        /** Absent if the configuration did not ask for sealing, and in records of older versions. */
        readonly sealing?: KeySealing;
      }
    | { readonly kind: "none"; readonly reason: string };
};

/** The permission to act on a machine's disks: single use, expiring, bound to machine, action and generation. */
export type Order = {
  /** SHA-256 of the token in the boot script, lower-case hex. */
  readonly tokenHash: string;
  readonly action: OrderAction;
  readonly generation: number;
  readonly expiresAtMs: number;
  /** Absent in records of older versions. */
  readonly issuedAtMs?: number;
  /** Set once init has taken the order: the boot that took it, and the hash of that boot's session secret. */
  readonly taken?: { readonly bootId: string; readonly sessionHash: string; readonly atMs: number };
};

/** Per-machine PXE history: requests seen and answers given (source document, "The Birther"). */
export type PxeStatistics = {
  readonly requests: number;
  readonly responses: number;
  readonly lastRequestAtMs: number;
  readonly lastAnswer: string;
};

/** One line of a machine's timeline. `durationMs` is the duration of the phase, if init or the agent measured it. */
export type TimelineEntry = {
  readonly phase: Phase;
  readonly atMs: number;
  readonly durationMs?: number;
  readonly detail?: string;
};

/** A switch port, as LLDP names it (core/site/placement.ts). */
export type SwitchPort = { readonly switchName: string; readonly port: string };

/**
 * Where a machine in its birth is by what it hears on its cable, computed by the server from the placement rules as soon as
 * it is reported; nothing is decided by it. `unplaced`: why no rule gives a place.
 */
export type HeardPlace =
  | {
      readonly kind: "placed";
      readonly switchName: string;
      readonly port: string;
      /** Values of the rule's named groups. */
      readonly position: { readonly [group: string]: string };
    }
  | { readonly kind: "unplaced"; readonly reason: string };

/** An operator's announcement of a machine: the name or slot that it must have to be accepted. */
export type Announcement = {
  readonly by: string;
  readonly atMs: number;
  readonly hostname?: string;
  readonly place?: SwitchPort;
};

/** Facts that a machine may have in every state. */
type CommonFacts = {
  readonly id: MachineId;
  /** Incremented by each change; optimistic concurrency and the change feed depend on it. */
  readonly revision: number;
  readonly createdAtMs: number;
  readonly macs: readonly Mac[];
  /**
   * Incremented by each birth, rebirth or clean; an order names it. Attempts of one generation may write to the disks
   * repeatedly until the machine is healthy; then the generation is used up, and its orders are invalid.
   */
  readonly generation: number;
  readonly phase?: Phase;
  readonly phaseAtMs?: number;
  readonly conditions: readonly Condition[];
  readonly firmware?: Firmware;
  /** What it can run, by its last network boot; absent for the default architecture, and in records of older versions. */
  readonly architecture?: NamedArchitecture;
  /** Name of the network the machine was last seen on. */
  readonly network?: string;
  readonly temporaryAddress?: Ipv4;
  /** The port that a DHCP relay or a snooping switch named in its last request that had option 82, on that network. */
  readonly relay?: RelayPort;
  /** The image that an operator requires; kept across rebirths. After a failed burn-in the image rules apply instead. */
  readonly pinnedImage?: string;
  /** The next image of the machine, as a note for operators. */
  readonly plannedImage?: string;
  /** The image, by its exact name, that an operator forces on this machine although its update was stopped as unsafe. */
  readonly forcedImage?: string;
  /** The running image is not updated. A machine without an image still gets its first one. */
  readonly disableUpdates?: true;
  /** Labels set by operators. */
  readonly tags?: { readonly [name: string]: string };
  /** Owner groups. */
  readonly groups?: readonly string[];
  /** Present from the announcement until the machine is healthy. */
  readonly announced?: Announcement;
  /** Addresses in `macs` that another machine also has: requests from them are not attributed to this machine. */
  readonly disputedMacs?: readonly Mac[];
  readonly smbios?: Smbios;
  readonly hardware?: Hardware;
  /** Everyone who announced itself by LLDP on the cable of the NIC that booted, in its last birth. */
  readonly neighbours?: readonly Neighbour[];
  /** The place that they mean; absent in records of older versions. */
  readonly heard?: HeardPlace;
  readonly burnIn?: BurnInReport;
  /** What of it was far below the machine's siblings, although nothing failed; absent if nothing was. */
  readonly suspects?: readonly Suspect[];
  /** The TPM that orders are bound to, from the first proof on: a token without a proof of it is refused, with *conflict*. */
  readonly tpm?: TpmBinding;
  readonly pxe: PxeStatistics;
  /** Time of the latest request of init or the sub. */
  readonly lastSeenAtMs: number;
  /** The phases of the current generation, oldest first; empty at the start of each generation. */
  readonly timeline: readonly TimelineEntry[];
  /** When and by whom it was last sent to rebirth or clean, which the blast radius counts; `override` if that exceeded it. */
  readonly sentAway?: { readonly atMs: number; readonly by: string; readonly override?: true };
  /** The repair steps of the configured policy. */
  readonly repair?: {
    readonly rebirthsAtMs: readonly number[];
    /** Time of the last step. */
    readonly atMs: number;
    /** When the policy set *debug*; a passed burn-in may have cleared the condition since. */
    readonly debugAtMs?: number;
    /** The rebirth has not begun: a poll of the old agent cancels it. */
    readonly pending?: true;
    /** Proofs that a silent healthy machine really restarts, in place of packets that anyone can send. */
    readonly trial?: RepairTrial;
  };
};

/** A figure of a burn-in or scan that is far below those of machines of the same model, as they were then. */
export type Suspect = {
  /** The burn-in's test, or `hardware` for what the scan has counted. */
  readonly test: string;
  readonly subject: string;
  /** Its name with the unit last, such as `writeMiBps`. */
  readonly figure: string;
  readonly value: number;
  /** How many machines the other figures are of. */
  readonly machines: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
};

/** A restart through the agent that an operator requested. */
export type Reboot = {
  readonly by: string;
  readonly atMs: number;
  /** Limits of machines of the fleet, and of its rack, that are away at the same time. */
  readonly atOnce: number;
  readonly perRack: number;
  /** The agent was told, in the boot with this short id (log-line.ts). */
  readonly sent?: { readonly atMs: number; readonly boot: string };
};

/** Facts that every installed machine has, from its first `becameHealthy` until it is retired. */
type InstalledFacts = {
  readonly hostname: string;
  readonly permanentAddress: Ipv4;
  readonly placement: Placement;
  /**
   * The image that the Dominator installs, by its exact name: an operator's choice (`pinnedImage`), else the choice of the
   * image rules. A stream without a version until the stream has a current one.
   */
  readonly requiredImage: string;
  /** The stream whose current version it requires; absent if an operator or a rule chose one version. */
  readonly imageStream?: string;
  readonly storage: StorageReport;
  /** SHA-256 of the agent's credential, lower-case hex. */
  readonly subTokenHash: string;
  /** The image that the agent last reported. */
  readonly runningImage?: string;
  /** Its agent has polled from a system on its own disk since its last birth; Birther or someone else installed that system. */
  readonly ownSystem?: true;
  /** It restarted into its image at this time, and no PXE request was heard: its firmware starts the disk first. */
  readonly didNotAskAtMs?: number;
  /** Which certificate authorities the agent trusts, as it last reported (`trustIdOf`). */
  readonly trusts?: string;
  /**
   * No system has run from the disk since the birth: the disk holds nothing but what the birth put there, and cannot
   * start by itself. Gone for good with the first poll from a system on the disk. Absent in records of older versions.
   *
   * It is not the opposite of `ownSystem`: a machine with neither was born by an older version and has not polled from
   * its disk yet. Nobody knows what its disk holds, so it is neither resumed nor counted as a machine with a system.
   */
  readonly awaitsFirstImage?: true;
  /** The agent that polled last, if it tells its version. */
  readonly agent?: AgentReport;
  /** What its agent found in the TPM after the latest boot from the disk. */
  readonly measuredBoot?: MeasuredBoot;
  /** What its agent says of the disk key, if the birth asked for it to be sealed. */
  readonly diskKey?: DiskKeyState;
  /** What its agent says of a mirrored root. */
  readonly mirror?: MirrorRecord;
  /** Present until its agent polls from another boot, or its rebirth or clean begins. */
  readonly reboot?: Reboot;
};

/** Facts of a machine that was not installed since it became known, or since it was retired. */
type NewcomerFacts = {
  /** The hostname in its announcement. */
  readonly hostname?: string;
  /** An operator's choice. */
  readonly requiredImage?: string;
  /** The disks as an earlier life left them. */
  readonly storage?: StorageReport;
  /** An operator allows the birth to erase what its disks hold; spent when the birth has chosen its disk. */
  readonly mayWipe?: { readonly by: string; readonly atMs: number };
};

/** What an operator allows for one rebirth. */
type RebirthFacts = {
  /** A move to another slot is authorised for this generation. */
  readonly mayMove?: true;
  /** An operator allows this generation another root disk than the recorded one: which, by serial number, WWN or path. */
  readonly allowedDisk?: { readonly selector?: string; readonly by: string };
};

/** The root disk of an attempt, with the disks that it and earlier attempts of its generation chose for data. */
export type BirthDisk = DiskIdentity & { readonly dataDisks?: readonly DiskIdentity[] };

/** What a birth, rebirth or clean has decided so far. */
type ChoiceFacts = {
  /**
   * The root disk of an attempt whose place was accepted: from then on this generation writes to this disk and no other,
   * also where it replaces the recorded one.
   */
  readonly birthDisk?: BirthDisk;
};

/**
 * The order of the current attempt, or of the next boot. In `healthy`: the order that the machine was installed by, or one
 * to resume; present until its agent polls.
 */
type OrderFacts = { readonly order?: Order };

/** States of a machine that Birther has installed. */
export type InstalledState = "healthy" | "rebirth" | "clean";

/** The facts of each state beside the common facts. */
type StateFacts = {
  readonly unknown: NewcomerFacts;
  readonly birth: NewcomerFacts &
    OrderFacts &
    ChoiceFacts & {
      /** Set when the slot is accepted, before the birth writes to a disk. */
      readonly placement?: Placement;
    };
  readonly healthy: InstalledFacts &
    OrderFacts & {
      /** Starts of a healthy machine with a PXE request since its agent last polled. */
      readonly unheardBoots?: { readonly count: number; readonly lastAtMs: number };
      /** An operator allows one recovery of the sealed disk key; `nonce`: of the TPM's session that it was signed for. */
      readonly recovery?: { readonly by: string; readonly atMs: number; readonly nonce?: string };
    };
  readonly rebirth: InstalledFacts & OrderFacts & ChoiceFacts & RebirthFacts & { readonly wayBack?: WayBack };
  readonly clean: InstalledFacts &
    OrderFacts &
    ChoiceFacts & {
      readonly wayBack?: WayBack;
      /** What it erases beside the keys of its root disk. */
      readonly erase?: EraseWish;
    };
};

/** What a cancel of the rebirth or clean restores; present until its order is taken. */
export type WayBack = Pick<CommonFacts, "phase" | "phaseAtMs" | "timeline" | "sentAway"> & {
  /** The condition *failing*, which ends when a rebirth or clean is ordered. */
  readonly failing?: Condition;
};

type FactOfSomeState = { readonly [S in MachineState]: keyof StateFacts[S] }[MachineState];

/** A machine in one state: the common facts and those of the state; the facts of other states are absent. */
type MachineOf<S extends MachineState> = OneObject<
  CommonFacts & { readonly state: S } & StateFacts[S] & {
      readonly [Absent in Exclude<FactOfSomeState, keyof StateFacts[S]>]?: never;
    }
>;

/** An intersection of object types as one object type, which keeps unions of it small for the compiler. */
type OneObject<T> = { readonly [K in keyof T]: T[K] };

/** Everything that the MDB holds about a machine in one of these states. */
export type MachineIn<S extends MachineState> = { readonly [One in S]: MachineOf<One> }[S];

/** Everything that the MDB holds about one machine. Changed only by `decide` in life/table.ts. */
export type Machine = MachineIn<MachineState>;

/** Whether Birther has installed the machine; otherwise its state is `unknown` or `birth`. */
export function isInstalled(machine: Machine): machine is MachineIn<InstalledState> {
  return machine.state !== "unknown" && machine.state !== "birth";
}

/** Whether the machine is to be installed now or at its next boot: its state is then the action of its orders. */
export function isToBeInstalled(machine: Machine): machine is MachineIn<BirthAction> {
  return (birthActions as readonly MachineState[]).includes(machine.state);
}

/**
 * Whether the next network boot of a healthy machine resumes its agent instead of its disk: its first image is not in
 * place yet. In phase `rebooting` it is, and the machine starts it.
 */
export function mayResume({ awaitsFirstImage, phase }: MachineIn<"healthy">): boolean {
  return awaitsFirstImage === true && phase !== undefined && phase !== "rebooting" && phase !== "up";
}

/** Whether Birther's agent has nothing more to do on a healthy machine where an external Dominator updates: its first image is in place. */
export function isLeftToOthers(machine: Machine): boolean {
  return machine.state === "healthy" && !mayResume(machine);
}

/** The action of the next order of a machine; undefined if it gets none. An order that proves a boot erases nothing either. */
export function orderActionOf(machine: Machine): OrderAction | undefined {
  if (isToBeInstalled(machine)) return machine.state;
  if (mayRecover(machine)) return "recover";
  if (mustProveBoot(machine)) return "resume";
  return machine.state === "healthy" && mayResume(machine) ? "resume" : undefined;
}

/** Whether the next network boot of a healthy machine recovers its sealed disk key. */
export function mayRecover({ recovery }: Machine): boolean {
  return recovery !== undefined && recovery.nonce === undefined;
}

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

/** Whether the next network boot of a healthy machine is to be proved by a token. */
export function mustProveBoot(machine: Machine): boolean {
  return machine.state === "healthy" && machine.repair?.trial?.asked === true && !mayRecover(machine);
}
