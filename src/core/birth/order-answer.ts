import type { SignedLoader } from "../boot-loader/signed-loader.ts";
import type { BurnInProfile } from "../burn-in/profile.ts";
import type { EraseWish } from "../erasure/erase-wish.ts";
import type { DiskIdentity, RecordedDisk } from "../hardware/disk-identity.ts";
import type { RootDiskRule } from "../hardware/root-disk-rules.ts";
import type { NetworkProfile } from "../host-network/profile.ts";
import type { LayoutProfile } from "../install/layout-profile.ts";
import type { StoragePolicy } from "../install/storage-policy.ts";
import type { SwitchPort } from "../machine/heard-place.ts";
import type { OrderAction } from "../machine/state.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { ImageRule } from "../site/image-rule.ts";
import type { PlacementRule, RelayPort } from "../site/placement.ts";

/**
 * The version of init's requests for an order. It increases when ignoring an unknown key would do harm (CONTRIBUTING.md,
 * "Change a message or a stored record"). Messages without a number have version 1.
 */
export const birthProtocol = 1;

/** The newest version of orders, which init understands. An order has the lowest version that its content allows. */
export const orderProtocol = 10;

/** The version of an order to recover a disk key, which an older init does not know. */
const recoveringProtocol = 3;

/** The version of an order with rules for the root disk: an older init would erase a disk that they keep it from. */
const rootDiskRulesProtocol = 4;

/** The version of an order whose image rules ask for suspect burn-ins, which an older init takes for none. */
const suspectRulesProtocol = 4;

/** The version of an order whose image rules ask for an architecture, which an older init would not look at. */
const architectureRulesProtocol = 8;

/** The version of an order with more network than one NIC and one IPv4 address: an older init would install less. */
const networkProtocol = 5;

/** The version of an order to erase more than the keys of the root disk: an older init would erase no more. */
const eraseProtocol = 6;

/** The version of an order whose image rules name layouts: an older init would make a machine without its volumes. */
const layoutsProtocol = 7;

/** The version of an order with a file system that an older init cannot make. */
const xfsProtocol = 9;

function protocolForLayouts(layouts: readonly LayoutProfile[]): number {
  if (layouts.length === 0) return 1;
  const usesXfs = layouts.some(({ volumes, data }) => [...volumes, ...data].some((one) => one.fileSystem === "xfs"));
  return usesXfs ? xfsProtocol : layoutsProtocol;
}

/** The version of an order about a mirrored root: an older init would make one disk of it, or leave the second one startable. */
const mirrorProtocol = 10;

/** The lowest version whose readers install all of a machine's network; 1 if that is one NIC with one IPv4 address. */
function protocolForNetwork(
  rules: readonly PlacementRule[],
  { vlan, ipv6 }: Pick<OrderAnswer["permanent"], "vlan" | "ipv6">,
): number {
  const isNewer = vlan !== undefined || ipv6 !== undefined;
  const asks = ({ profile, ipv6: own }: PlacementRule) => profile !== undefined || own !== undefined;
  return isNewer || rules.some(asks) ? networkProtocol : 1;
}

/**
 * The lowest version whose readers apply these rules right. Version 1 does not know the keys that name one field of LLDP,
 * or how ports count: it would match another port without them.
 */
export function protocolForRules(rules: readonly PlacementRule[]): number {
  // Of a rule about another source, it would take switch and port for those of LLDP.
  if (rules.some(({ source }) => source !== undefined)) return networkProtocol;
  const isNewer = ({ portId, portIdKind, portDescription, counting }: PlacementRule) =>
    [portId, portIdKind, portDescription, counting].some((key) => key !== undefined);
  return rules.some(isNewer) ? 2 : 1;
}

/** The lowest version whose readers carry out what an order says. */
export function protocolForOrder({
  action,
  placementRules,
  imageRules,
  rootDiskRules = [],
  layouts = [],
  permanent = {},
  erase,
  mirrorDisk,
}: Pick<
  OrderAnswer,
  "action" | "placementRules" | "imageRules" | "rootDiskRules" | "layouts" | "erase" | "mirrorDisk"
> & {
  readonly permanent?: Pick<OrderAnswer["permanent"], "vlan" | "ipv6">;
}): number {
  const recovers = action === "recover";
  return Math.max(
    recovers ? recoveringProtocol : protocolForRules(placementRules),
    // To recover a key, the network of the installed system is neither made nor used.
    recovers ? 1 : protocolForNetwork(placementRules, permanent),
    rootDiskRules.length > 0 ? rootDiskRulesProtocol : 1,
    imageRules.some(({ when }) => when.burnIn === "suspect") ? suspectRulesProtocol : 1,
    erase === undefined ? 1 : eraseProtocol,
    protocolForLayouts(layouts),
    !recovers && (mirrorDisk !== undefined || layouts.some(({ mirror }) => mirror !== undefined)) ? mirrorProtocol : 1,
    imageRules.some(({ when }) => when.architecture !== undefined) ? architectureRulesProtocol : 1,
  );
}

/** The MDB's answer to a request for an order: the permission, and all rules that init needs for its decisions. */
export type OrderAnswer = {
  readonly protocol: number;
  readonly machineId: string;
  readonly action: OrderAction;
  readonly generation: number;
  /** The secret of this boot: the bearer credential of its reports and of its request to be healthy. */
  readonly session: string;
  readonly nowMs: number;
  readonly placementRules: readonly PlacementRule[];
  /** The port that a DHCP relay named, and the switch port that an operator named; absent if none did. */
  readonly relay?: RelayPort;
  readonly operatorPlace?: SwitchPort;
  /** The profiles that placement rules name; absent if none does. */
  readonly networkProfiles?: readonly NetworkProfile[];
  /** Time limit for the wait for an LLDP frame. */
  readonly lldpSeconds: number;
  readonly imageRules: readonly ImageRule[];
  readonly burnIn: BurnInProfile;
  readonly storage: StoragePolicy;
  /** The site's rules for a root disk that is chosen anew; absent if it has none. */
  readonly rootDiskRules?: readonly RootDiskRule[];
  /** The layout profiles that image rules name; absent if none does. */
  readonly layouts?: readonly LayoutProfile[];
  /** The data disks that earlier births of this machine made, and those that a running one has chosen; absent if there are none. */
  readonly dataDisks?: readonly DiskIdentity[];
  /** The second disk of the root's mirror that the last birth made; absent if there is none. */
  readonly mirrorDisk?: DiskIdentity;
  /** The loaders for the disk of a UEFI machine, if its network uses Secure Boot. */
  readonly signedLoader?: SignedLoader;
  /** The root disk of the previous birth, which rebirth and clean keep; empty texts are unknown. */
  readonly rootDisk?: RecordedDisk;
  /** All disks of the machine at that time. */
  readonly knownDisks?: readonly DiskIdentity[];
  /** An operator allows another root disk. */
  readonly allowedDisk?: { readonly selector?: string };
  /** Only with the action `clean`: what it erases beside the keys of the root disk. */
  readonly erase?: EraseWish;
  /** Only with the action `resume`: the machine as its birth left it. */
  readonly resume?: {
    readonly hostname: string;
    readonly address: Ipv4;
    readonly encrypted: boolean;
    /** Absent if its key is in a variable, and from servers before it. */
    readonly keyInTpm?: true;
  };
  readonly permanent: {
    readonly prefixLength: number;
    readonly gateway?: Ipv4;
    readonly nameservers: readonly Ipv4[];
    /** The VLAN that carries the permanent network, tagged, on the cable of the NIC that boots. */
    readonly vlan?: number;
    /** The IPv6 part, in the texts of RFC 5952. */
    readonly ipv6?: {
      readonly prefixLength: number;
      readonly gateway?: string;
      readonly nameservers: readonly string[];
    };
    /** The MDB on the permanent network. */
    readonly mdb: Endpoint;
    /** Where the agent finds it on other servers. */
    readonly otherMdbs?: readonly Endpoint[];
  };
  /** Where init finds the MDB if the server of this order does not answer. */
  readonly otherMdbs?: readonly Endpoint[];
  /** The server shows how far a burn-in is: init may report `progress`. Servers before it say nothing. */
  readonly takesProgress?: true;
  /** The server keeps a record of what was erased: init reports `erasure`. Servers before it say nothing. */
  readonly keepsErasures?: true;
  /** Seconds before the reboot that follows a failed birth. */
  readonly retrySeconds: number;
};
