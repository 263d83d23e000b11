import type { AgentReport } from "../agent/version.ts";
import type { EraseWish } from "../erasure/erase-wish.ts";
import type { BurnInReport, Hardware, Smbios } from "../hardware/hardware.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Neighbour, Placement, RelayPort } from "../site/placement.ts";
import type { TpmBinding } from "../tpm/claim.ts";
import type { DiskKeyState } from "../tpm/disk-key.ts";
import type { MeasuredBoot } from "../tpm/measured-boot.ts";
import type { NamedArchitecture } from "./architecture.ts";
import type { Condition } from "./condition.ts";
import type { HeardPlace, SwitchPort } from "./heard-place.ts";
import type { Phase, TimelineEntry } from "./phase.ts";
import type { RepairTrial } from "./repair-step.ts";
import { type BirthAction, birthActions, type InstalledState, type MachineState, type OrderAction } from "./state.ts";
import type { BirthDisk, MirrorRecord, StorageReport } from "./storage.ts";

declare const machineIdBrand: unique symbol;

/**
 * The permanent id of a machine, independent of its NICs, board and slot: `m-` and the twelve hex digits of the MAC seen first;
 * `p-` and the slot for a machine that is announced by its slot only, until the machine in that slot absorbs the record.
 */
export type MachineId = string & { readonly [machineIdBrand]: true };

export type Firmware = "bios" | "uefi";

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
