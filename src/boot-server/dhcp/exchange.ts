import type { DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import type { MachineArchitecture } from "../../core/machine/architecture.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Network, ServerPorts } from "../../core/network/network.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { DhcpDecision } from "../../core/pxe/decision.ts";
import type { PacketLog } from "../observe/packet-log.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import type { AddressBook } from "./address-book.ts";
import type { AddressProbe } from "./address-probe.ts";
import type { LocalBoots } from "./local-boots.ts";
import type { NetworkStatus } from "./network-status.ts";
import type { SeenRequests } from "./seen-requests.ts";
import type { DhcpSender, SentBetween } from "./send.ts";

/** A socket that receives and answers DHCP. */
export type DhcpListener = DhcpSender & {
  /** Undefined for the socket that relays write to. */
  readonly interface: string | undefined;
  /** Asks on the interface's wire; undefined for the relays' socket. */
  readonly probe?: AddressProbe;
  /** The network whose counters take bytes that belong to no other. */
  readonly status: NetworkStatus;
};

/** What answering needs. */
export type AnswerDeps = {
  readonly statuses: ReadonlyMap<Network, NetworkStatus>;
  readonly book: AddressBook;
  readonly seenRequests: SeenRequests;
  readonly packets: PacketLog;
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly localBoots?: LocalBoots;
  /** The architectures that there is a Bootstrap Image for; the default only if it is absent. */
  readonly images?: ReadonlySet<MachineArchitecture>;
  readonly maxMachines: number;
  readonly clock: Clock;
  readonly log: Log;
};

/** Core's decision of one kind. */
export type DecisionOf<K extends DhcpDecision["kind"]> = Extract<DhcpDecision, { kind: K }>;

/** A message to answer. */
export type ReceivedRequest = {
  readonly listener: DhcpListener;
  readonly status: NetworkStatus;
  readonly packet: DhcpPacket;
  readonly mac: Mac | undefined;
  readonly from: Peer;
};
/** What was sent, between which addresses and when. */
export type Sent = SentBetween & { readonly atMs: number; readonly bytes: Uint8Array };
