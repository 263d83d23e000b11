import type { AgentReport } from "../agent/version.ts";
import type { SanitizeWish } from "../erasure/erase-wish.ts";
import type { DiskIdentity } from "../hardware/disk-identity.ts";
import type { BurnInReport, Hardware } from "../hardware/hardware.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Neighbour, Placement, RelayPort } from "../site/placement.ts";
import type { TpmClaim } from "../tpm/claim.ts";
import type { DiskKeyState } from "../tpm/disk-key.ts";
import type { MeasuredBoot } from "../tpm/measured-boot.ts";
import type { NamedArchitecture } from "./architecture.ts";
import type { ConditionKind } from "./condition.ts";
import type { HeardPlace, SwitchPort } from "./heard-place.ts";
import type { Phase } from "./phase.ts";
import type { PxeAnswer, PxeStage } from "./pxe-answer.ts";
import type { Firmware, Machine, MachineId, Reboot, Suspect } from "./record.ts";
import type { RepairStep } from "./repair-step.ts";
import type { OrderAction } from "./state.ts";
import type { MirrorState, StorageReport } from "./storage.ts";

/** The details of a machine that operators set. */
export type DetailValues = Pick<Machine, "tags" | "groups" | "requiredImage" | "plannedImage" | "disableUpdates">;
/** A merge patch (RFC 7396) of the details: null removes a value. */
export type DetailsPatch = {
  readonly tags?: { readonly [name: string]: string | null } | null;
  readonly groups?: readonly string[] | null;
  readonly requiredImage?: string | null;
  readonly plannedImage?: string | null;
  readonly forcedImage?: string | null;
  readonly disableUpdates?: boolean | null;
  /** The name that an announced machine must get from its slot. */
  readonly hostname?: string | null;
  /** Its switch port, where nothing else says it; only of a machine that is not installed. */
  readonly place?: SwitchPort | null;
  /** The complete list: an address that is left out no longer belongs to this machine. */
  readonly macs?: readonly Mac[];
};

/** `restart`: also where a rebirth or clean is running, which is then stopped at its next report and begun anew. */
type Restarting = SentAwayBy & { readonly restart?: true };

type SentAwayBy = Omit<NonNullable<Machine["sentAway"]>, "atMs">;

/** The order that a report of init belongs to. A report of a superseded order is refused, whatever it says. */
export type OfOrder = { readonly order?: { readonly generation: number; readonly action: OrderAction } };

/**
 * Everything that can happen to a machine. The Store passes each event to `decide` in life/table.ts, the only
 * function that makes a new record from it. Hashes are SHA-256, lower-case hex: secrets never reach the record.
 */
export type MachineEvent =
  /** A PXE client sent a request. Creates an unknown machine; `nursery` says whether its birth may start. */
  | {
      readonly kind: "pxeAsked";
      readonly mac: Mac;
      readonly firmware: Firmware;
      readonly network: string;
      readonly nursery: boolean;
      /** The address that is being offered. */
      readonly address?: Ipv4;
      /** Which stage asked. */
      readonly stage: PxeStage;
      readonly answer: PxeAnswer;
      /** The port that a relay or a snooping switch says it came from. */
      readonly relay?: RelayPort;
      /** What its machine can run; absent for the default architecture, and if the client names none. */
      readonly architecture?: NamedArchitecture;
      /** It is to be installed, and the server has no Bootstrap Image for its architecture. */
      readonly withoutImage?: true;
      /** The answer was not sent: the network is in mode `listen`. */
      readonly withheld?: true;
    }
  /** The client repeated its request without new facts (requests.ts); the repetitions are counted and reported together. */
  | {
      readonly kind: "pxeAskedAgain";
      readonly id: MachineId;
      readonly requests: number;
      /** The number of answered requests. */
      readonly responses: number;
      readonly lastAtMs: number;
    }
  /** The machine found another host at its address (DHCPDECLINE). */
  | { readonly kind: "addressDeclined"; readonly id: MachineId; readonly address: Ipv4 }
  /** The pool is exhausted and the machine has vanished: its temporary address returns to the pool. */
  | { readonly kind: "addressReturned"; readonly id: MachineId; readonly address: Ipv4 }
  /** The address that another DHCP server leases to the machine. */
  | { readonly kind: "addressSeen"; readonly id: MachineId; readonly address: Ipv4 }
  /** A phase was observed, for example because its loader was sent. */
  | ({
      readonly kind: "phaseSeen";
      readonly id: MachineId;
      readonly phase: Phase;
      readonly durationMs?: number;
      readonly detail?: string;
    } & OfOrder)
  /** A boot script with a new token was created. */
  | { readonly kind: "orderIssued"; readonly id: MachineId; readonly tokenHash: string; readonly expiresAtMs: number }
  /** init presented the token. The same token with the same bootId is a retry and is accepted. */
  | {
      readonly kind: "orderTaken";
      readonly id: MachineId;
      readonly mac: Mac;
      readonly tokenHash: string;
      readonly bootId: string;
      readonly sessionHash: string;
      /** Absent if the Bootstrap Image cannot use TPMs. */
      readonly tpm?: TpmClaim;
    }
  /** What the machine is made of. `freshRack`: its network says that nothing of value lies on the disks of new machines. */
  | ({
      readonly kind: "hardwareScanned";
      readonly id: MachineId;
      readonly hardware: Hardware;
      readonly freshRack?: true;
    } & OfOrder)
  /** Everyone who announced itself by LLDP on the cable of the NIC that booted. */
  | ({
      readonly kind: "neighboursSeen";
      readonly id: MachineId;
      readonly neighbours: readonly Neighbour[];
      readonly heard?: HeardPlace;
    } & OfOrder)
  /** `suspects` is what is far below the siblings; with `holdSuspects` the machine waits for an operator if one is new. */
  | ({
      readonly kind: "burnInDone";
      readonly id: MachineId;
      readonly report: BurnInReport;
      readonly suspects?: readonly Suspect[];
      readonly holdSuspects?: true;
    } & OfOrder)
  /** `rootDisk` is the disk that will be written to once this is accepted. */
  | ({
      readonly kind: "placed";
      readonly id: MachineId;
      readonly placement: Placement;
      readonly rootDisk?: DiskIdentity;
      /** The disks that its layout takes for data; absent if it takes none, or is not known yet. */
      readonly dataDisks?: readonly DiskIdentity[];
    } & OfOrder)
  /**
   * A step of the birth or the update failed; the machine retries automatically. `image`: its update was stopped as unsafe.
   * `conflict`: what the machine found contradicts itself or another host, and a person must settle it.
   */
  | ({
      readonly kind: "failed";
      readonly id: MachineId;
      readonly step: string;
      readonly reason: string;
      readonly image?: string;
      readonly conflict?: true;
    } & OfOrder)
  /** init requests to be declared healthy. Refused if the order is stale or the name or address is taken. */
  | {
      readonly kind: "becameHealthy";
      readonly id: MachineId;
      readonly generation: number;
      readonly image: string;
      readonly placement: Placement;
      readonly storage: StorageReport;
      readonly subTokenHash: string;
    }
  /** init has opened the root of a machine that awaits its first image: the agent goes on there with a new credential. */
  | ({ readonly kind: "agentResumed"; readonly id: MachineId; readonly subTokenHash: string } & OfOrder)
  /**
   * The agent polled, from a system on the disk or (`fromDisk` is absent) from the Bootstrap Image; `runningImage` is the image
   * it booted, if any. `upToDate` is the Dominator's decision whether nothing is to do; without it the names are compared.
   */
  | {
      readonly kind: "subSeen";
      readonly id: MachineId;
      readonly fromDisk?: true;
      readonly runningImage?: string;
      readonly upToDate?: boolean;
      /** Which certificate authorities it trusts (`trustIdOf`). */
      readonly trusts?: string;
      readonly agent?: AgentReport;
      readonly measuredBoot?: MeasuredBoot;
      readonly diskKey?: DiskKeyState;
      readonly mirror?: MirrorState;
      /** The short id of the boot that the agent runs in. */
      readonly boot?: string;
    }
  /** Operator actions. */
  /** A machine is announced before its first request. With `birth` it is born on any network; without it, only on a nursery. */
  | ({
      readonly kind: "machineCreated";
      /** `announcedId(macs, place)`. */
      readonly id: MachineId;
      readonly by: string;
      readonly macs: readonly Mac[];
      readonly place?: SwitchPort;
      readonly hostname?: string;
      readonly birth?: true;
    } & DetailValues)
  /** An operator changes details of a machine. */
  | { readonly kind: "detailsSet"; readonly id: MachineId; readonly by: string; readonly details: DetailsPatch }
  /** The machine is removed from the fleet: name, addresses and slot become free, its agent's credential becomes invalid, disks are not touched. */
  | { readonly kind: "retired"; readonly id: MachineId; readonly by: string; readonly reason?: string }
  /** A newcomer takes over the name and slot of `from`, which is retired: its board was swapped, or it was replaced. */
  | { readonly kind: "takeoverAuthorised"; readonly id: MachineId; readonly from: MachineId; readonly by: string }
  /** `mayMove` authorises a new slot, and so a new name and address; `override` exceeds the blast radius, here and below. */
  | ({
      readonly kind: "rebirthAsked";
      readonly id: MachineId;
      readonly mayMove?: true;
      /** Another root disk than the recorded one is allowed: the one that `selector` names, or any. */
      readonly newRootDisk?: { readonly selector?: string };
      /** The agent restarts the machine, when its turn comes. */
      readonly reboot?: Pick<Reboot, "atOnce" | "perRack">;
    } & Restarting)
  /** `sanitize`: the disks erase themselves; `allDisks`: with the root disk all others that stay in the machine. */
  | ({
      readonly kind: "cleanAsked";
      readonly id: MachineId;
      readonly sanitize?: SanitizeWish;
      readonly allDisks?: true;
    } & Restarting)
  /** An operator lets the agent restart the machine; then the agent is told. */
  | ({ readonly kind: "rebootAsked"; readonly id: MachineId; readonly by: string } & Pick<Reboot, "atOnce" | "perRack">)
  | { readonly kind: "rebootSent"; readonly id: MachineId; readonly boot: string }
  /** A pending rebirth, clean or restart is cancelled. */
  | { readonly kind: "rebirthCancelled"; readonly id: MachineId; readonly by: string }
  /** Its stream got another current version, or the machine is the first to try one; `image` is the exact name. */
  | { readonly kind: "imageRequired"; readonly id: MachineId; readonly image: string; readonly by: string }
  /** Stall detection (health/stall-detection.ts): a machine makes no progress, or makes progress again. */
  | { readonly kind: "stalled"; readonly id: MachineId; readonly reason: string }
  | { readonly kind: "resumed"; readonly id: MachineId }
  /** The configured policy repairs a machine; for a rebirth its agent must not have polled after `silentSinceMs`. */
  | {
      readonly kind: "repairStepped";
      readonly id: MachineId;
      readonly step: RepairStep;
      readonly reason: string;
      readonly silentSinceMs: number;
    }
  /** An operator allows one recovery of the sealed disk key; then the MDB signs for one session of the machine's TPM. */
  | { readonly kind: "recoveryAllowed"; readonly id: MachineId; readonly by: string }
  | ({ readonly kind: "recoverySigned"; readonly id: MachineId; readonly nonce: string } & OfOrder)
  | {
      readonly kind: "conditionSet";
      readonly id: MachineId;
      readonly condition: ConditionKind;
      readonly reason: string;
    }
  /**
   * `wipeBy`: this operator allows a first birth to erase what was found on the disks. `newTpmBy`: this operator unbinds the
   * machine from its TPM, so that the next one is trusted.
   */
  | {
      readonly kind: "conditionCleared";
      readonly id: MachineId;
      readonly condition: ConditionKind;
      readonly wipeBy?: string;
      readonly newTpmBy?: string;
    };

/** An event that this version cannot read: a newer server wrote it, or its row is damaged. */
export type UnreadableEvent = {
  readonly kind: "unreadable";
  /** Where in the row, what was expected and what was found. */
  readonly fault: string;
};

/** Why an event was not accepted. The record is unchanged, unless the decision holds a new one (such as with a conflict). */
export type Refusal = {
  readonly kind:
    | "noSuchMachine"
    | "notInNursery"
    | "staleOrder"
    | "wrongState"
    | "unknownToken"
    | "expiredToken"
    | "usedToken"
    | "foreignToken"
    /** The token came without a proof of the TPM that the machine is bound to. */
    | "otherTpm"
    | "nameTaken"
    | "addressTaken"
    /** The machine has a NIC that identifies another machine. */
    | "macTaken"
    /** The machine to announce is already known. */
    | "alreadyKnown"
    /** The slot determines name and address, so they cannot be set. */
    | "nameByPlace"
    /** The machine is in another slot than its record or its announcement says. */
    | "otherPlace"
    /** More values than a record may hold. */
    | "tooMany"
    /** An event or a record beyond the limits of size (size-limits.ts). */
    | "tooLarge"
    | "held"
    /** The boot is proved, which is all that was asked; the machine boots its disk now. */
    | "bootProved"
    /** More machines of a group would be sent to rebirth or clean than the blast radius allows. */
    | "beyondBlastRadius"
    /** The record has changed since the caller read it. */
    | "changedMeanwhile"
    /** The database holds a record of this machine that cannot be read. */
    | "unreadableRecord"
    /** A stream of images cannot be promoted or returned in this way now. */
    | "promotionRefused"
    | "imageInUse";
  /** One sentence: what happened, what was expected, what was found. */
  readonly message: string;
  /** One sentence: what to do next. */
  readonly next: string;
};

/** The outcome of an event: new records, or a refusal. */
export type Decision =
  | {
      readonly kind: "changed";
      readonly machine: Machine;
      /** Records that belong to other NICs of this machine: they are deleted in the same transaction. */
      readonly absorbed?: readonly MachineId[];
      /** Other records that change in the same transaction. */
      readonly others?: readonly Machine[];
    }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly machine?: Machine };
