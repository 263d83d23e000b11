import type { DiskIdentity } from "../hardware/disk-identity.ts";
import type { BurnInReport, Hardware } from "../hardware/hardware.ts";
import type { Mac } from "../net/mac.ts";
import type { Placement } from "../site/placement.ts";
import type { PxeAnswer, PxeStage } from "./pxe-answer.ts";
import type {
  BirthAction,
  ConditionKind,
  Firmware,
  Machine,
  MachineId,
  Phase,
  RepairStep,
  StorageReport,
  SwitchPort,
} from "./record.ts";

/** What operators say of a machine, beside what it is and does. */
export type DetailValues = Pick<Machine, "tags" | "groups" | "requiredImage" | "plannedImage" | "disableUpdates">;
export type DetailsPatch = {
  readonly tags?: { readonly [name: string]: string | null } | null;
  readonly groups?: readonly string[] | null;
  readonly requiredImage?: string | null;
  readonly plannedImage?: string | null;
  readonly disableUpdates?: boolean | null;
  /** The name that an announced machine must get by its place. */
  readonly hostname?: string | null;
  /** The whole list: what is left out is not this machine's any more. */
  readonly macs?: readonly Mac[];
};

/** `restart`: also where a rebirth or clean is running, which is then stopped at its next report and begun anew. */
type AskedAnew = SentAwayBy & { readonly restart?: true };

type SentAwayBy = Omit<NonNullable<Machine["sentAway"]>, "atMs">;

/** The order that a report of init belongs to. A report of a superseded order is refused, whatever it says. */
export type OfOrder = { readonly order?: { readonly generation: number; readonly action: BirthAction } };

/**
 * Everything that can happen to a machine. The Store hands each event to `decide` in life.ts, the only place
 * that makes a new record of it. Hashes are SHA-256, lower-case hex: secrets never reach the record.
 */
export type MachineEvent =
  /** A PXE client asked. Creates the machine when it is unknown; `nursery` says whether it may then be born. */
  | {
      readonly kind: "pxeAsked";
      readonly mac: Mac;
      readonly firmware: Firmware;
      readonly network: string;
      readonly nursery: boolean;
      /** Dotted quad of the address that is being offered. */
      readonly address?: string;
      /** Which stage asked. */
      readonly stage: PxeStage;
      readonly answer: PxeAnswer;
      /** The answer was not sent: the network is only listened to. */
      readonly withheld?: true;
    }
  /** It asked again so many times, each time as it had asked before (requests.ts): counted first, told later. */
  | {
      readonly kind: "pxeAskedAgain";
      readonly id: MachineId;
      readonly requests: number;
      /** How many of them were answered. */
      readonly responses: number;
      readonly lastAtMs: number;
    }
  /** The machine found another host at an address that we gave it (DHCPDECLINE). Dotted quad, here and below. */
  | { readonly kind: "addressDeclined"; readonly id: MachineId; readonly address: string }
  /** The pool is empty and the machine has vanished: its temporary address goes back. */
  | { readonly kind: "addressReturned"; readonly id: MachineId; readonly address: string }
  /** The address that another DHCP server leases to the machine; dotted quad. */
  | { readonly kind: "addressSeen"; readonly id: MachineId; readonly address: string }
  /** Something was seen of the machine from outside, e.g. its loader was sent. */
  | ({
      readonly kind: "phaseSeen";
      readonly id: MachineId;
      readonly phase: Phase;
      readonly durationMs?: number;
      readonly detail?: string;
    } & OfOrder)
  /** A boot script with a fresh token was made. */
  | { readonly kind: "orderIssued"; readonly id: MachineId; readonly tokenHash: string; readonly expiresAtMs: number }
  /** init presented the token. The same token with the same bootId is a retry and is accepted again. */
  | {
      readonly kind: "orderTaken";
      readonly id: MachineId;
      readonly mac: Mac;
      readonly tokenHash: string;
      readonly bootId: string;
      readonly sessionHash: string;
    }
  /** What the machine is made of. `freshRack`: its network says that nothing of value lies on the disks of new machines. */
  | ({
      readonly kind: "hardwareScanned";
      readonly id: MachineId;
      readonly hardware: Hardware;
      readonly freshRack?: true;
    } & OfOrder)
  | ({ readonly kind: "burnInDone"; readonly id: MachineId; readonly report: BurnInReport } & OfOrder)
  /** `rootDisk` is the disk that will be written to once this is accepted. */
  | ({
      readonly kind: "placed";
      readonly id: MachineId;
      readonly placement: Placement;
      readonly rootDisk?: DiskIdentity;
    } & OfOrder)
  /** A step of the birth failed; the machine will retry by itself. */
  | ({ readonly kind: "failed"; readonly id: MachineId; readonly step: string; readonly reason: string } & OfOrder)
  /** init asks to be declared healthy. Refused if the order is stale or the name or address is taken. */
  | {
      readonly kind: "becameHealthy";
      readonly id: MachineId;
      readonly generation: number;
      readonly hostname: string;
      readonly address: string;
      readonly image: string;
      readonly placement: Placement;
      readonly storage: StorageReport;
      readonly subTokenHash: string;
    }
  /**
   * The sub polled; `runningImage` is the image it booted, if any. `upToDate` is the Dominator's word that this is what the required
   * image means now (`compute` means the newest `compute/N`); without it the names are compared.
   */
  | { readonly kind: "subSeen"; readonly id: MachineId; readonly runningImage?: string; readonly upToDate?: boolean }
  /** Operator actions. */
  /** A machine is announced before it asks. With `birth` it is born wherever it asks; without, on a nursery, like any other. */
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
  /** A merge patch (RFC 7396) of what an operator may say of a machine: null takes a value away. */
  | { readonly kind: "detailsSet"; readonly id: MachineId; readonly by: string; readonly details: DetailsPatch }
  /** The machine is given up: name, addresses and place become free, its sub's credential counts no more, nothing is wiped. */
  | { readonly kind: "retired"; readonly id: MachineId; readonly by: string; readonly reason?: string }
  /** A newcomer takes over what another machine is (`from`, which is retired by it): its board was swapped, or it was replaced. */
  | { readonly kind: "takeoverAuthorised"; readonly id: MachineId; readonly from: MachineId; readonly by: string }
  /** `mayMove` authorises a new place, and so a new name and address; `override` was said to the blast radius, here and below. */
  | ({
      readonly kind: "rebirthAsked";
      readonly id: MachineId;
      readonly mayMove?: true;
      /** Another root disk than the recorded one is allowed: the one that `selector` names, or any. */
      readonly newRootDisk?: { readonly selector?: string };
    } & AskedAnew)
  | ({ readonly kind: "cleanAsked"; readonly id: MachineId } & AskedAnew)
  /** A rebirth or clean is taken back. */
  | { readonly kind: "rebirthCancelled"; readonly id: MachineId; readonly by: string }
  /** The watch: a machine does not get on (core/machine/vigilance.ts), or does again. */
  | { readonly kind: "stalled"; readonly id: MachineId; readonly reason: string }
  | { readonly kind: "resumed"; readonly id: MachineId }
  /** The configured policy repairs a machine; for a rebirth its sub must not have been heard after `silentSinceMs`. */
  | {
      readonly kind: "repairStepped";
      readonly id: MachineId;
      readonly step: RepairStep;
      readonly reason: string;
      readonly silentSinceMs: number;
    }
  | {
      readonly kind: "conditionSet";
      readonly id: MachineId;
      readonly condition: ConditionKind;
      readonly reason: string;
    }
  /** `wipeBy`: this operator allows a first birth to erase what was found on the disks. */
  | {
      readonly kind: "conditionCleared";
      readonly id: MachineId;
      readonly condition: ConditionKind;
      readonly wipeBy?: string;
    };

/** Why an event was not accepted. The record is unchanged, unless `machine` holds a new one (e.g. with a conflict condition). */
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
    | "nameTaken"
    | "addressTaken"
    /** The machine has the NIC that another machine is known by. */
    | "macTaken"
    /** A machine that was to be announced is there already. */
    | "alreadyKnown"
    /** Name and address follow from the place: they are not set. */
    | "nameByPlace"
    /** The machine hangs elsewhere than its record or its announcement says. */
    | "otherPlace"
    /** More than a record holds. */
    | "tooMany"
    | "held"
    /** More machines of a group would be sent away at once than may be. */
    | "beyondBlastRadius"
    /** The record is not what the asker saw. */
    | "changedMeanwhile";
  /** One sentence: what was wrong. */
  readonly message: string;
  /** One sentence: what to do next. */
  readonly next: string;
};

export type Decision =
  | {
      readonly kind: "changed";
      readonly machine: Machine;
      /** Records that turned out to be other NICs of this machine: they cease to exist in the same transaction. */
      readonly absorbed?: readonly MachineId[];
      /** Other records that change by it, in the same transaction. */
      readonly others?: readonly Machine[];
    }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly machine?: Machine };
