import type { DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Network, ServerPorts } from "../../core/network/network.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { DhcpDecision } from "../../core/pxe/decision.ts";
import type { PacketLog } from "../observe/packet-log.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import type { AddressBook } from "./address-book.ts";
import type { LocalBoots } from "./local-boots.ts";
import type { NetworkStatus } from "./network-status.ts";
import type { SeenRequests } from "./seen-requests.ts";
import type { DhcpSender, SentBetween } from "./send.ts";

/** A socket that DHCP is heard by, and answered from. */
export type DhcpListener = DhcpSender & {
  /** Undefined for the one that relays write to. */
  readonly interface: string | undefined;
  /** The network that bytes are counted for which do not say more. */
  readonly status: NetworkStatus;
};

/** What answering stands on. */
export type AnswerDeps = {
  readonly statuses: ReadonlyMap<Network, NetworkStatus>;
  readonly book: AddressBook;
  readonly seenRequests: SeenRequests;
  readonly packets: PacketLog;
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly localBoots?: LocalBoots;
  readonly maxMachines: number;
  readonly clock: Clock;
  readonly log: Log;
};

/** Core's decision of one kind. */
export type DecisionOf<K extends DhcpDecision["kind"]> = Extract<DhcpDecision, { kind: K }>;

/** A message that is to be answered. */
export type Asked = {
  readonly listener: DhcpListener;
  readonly status: NetworkStatus;
  readonly packet: DhcpPacket;
  readonly mac: Mac | undefined;
  readonly from: Peer;
};
/** What was sent, between whom and when. */
export type Sent = SentBetween & { readonly atMs: number; readonly bytes: Uint8Array };
