import type { SignedLoader } from "../boot-loader/signed-loader.ts";
import type { BurnInProfile } from "../burn-in/profile.ts";
import type { DiskIdentity, RecordedDisk } from "../hardware/disk-identity.ts";
import type { StoragePolicy } from "../install/storage-policy.ts";
import type { OrderAction } from "../machine/record.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { ImageRule } from "../site/image-rule.ts";
import type { PlacementRule } from "../site/placement.ts";

/**
 * The version of the protocol between init and the MDB that this source speaks; requests for an order and orders carry it. It grows
 * when one side would do harm by reading past what the other side says (CONTRIBUTING.md, "Change a message or a stored
 * record"). 1: also messages that carry none.
 */
export const birthProtocol = 1;

/** What the MDB answers to a request for an order: the permission, and all the rules that init needs to decide by. */
export type OrderAnswer = {
  readonly protocol: number;
  readonly machineId: string;
  readonly action: OrderAction;
  readonly generation: number;
  /** Secret of this boot: bearer credential of its reports and of its last request. */
  readonly session: string;
  readonly nowMs: number;
  readonly placementRules: readonly PlacementRule[];
  /** How long to wait for an LLDP frame before giving up. */
  readonly lldpSeconds: number;
  readonly imageRules: readonly ImageRule[];
  readonly burnIn: BurnInProfile;
  readonly storage: StoragePolicy;
  /** What a UEFI machine's disk is to be started by, where its network is one for Secure Boot. */
  readonly signedLoader?: SignedLoader;
  /** The root disk of the birth before, which a rebirth and a clean keep; empty texts are unknown. */
  readonly rootDisk?: RecordedDisk;
  /** All disks that were in the machine then. */
  readonly knownDisks?: readonly DiskIdentity[];
  /** An operator allows another root disk. */
  readonly allowedDisk?: { readonly selector?: string };
  /** With the action `resume`, and only then: the machine as its birth left it. */
  readonly resume?: { readonly hostname: string; readonly address: Ipv4; readonly encrypted: boolean };
  readonly permanent: {
    readonly prefixLength: number;
    readonly gateway?: string;
    readonly nameservers: readonly string[];
    /** Where the machine finds the MDB on the permanent network: `address:port`. */
    readonly mdb: string;
  };
  /** Seconds to wait before the reboot that follows a failed birth. */
  readonly retrySeconds: number;
};
