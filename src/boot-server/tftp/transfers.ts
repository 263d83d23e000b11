import { formatIpv4 } from "../../core/net/ipv4.ts";
import { admitTransfer, type TransferStart } from "../../core/tftp/transfer-limits.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import type { RunningTransfer } from "./transfer.ts";

/** A client as packets have it, and its address as text. */
export type Client = Peer & { readonly text: string };

/** A running transfer of one file to one client. */
export type Transfer = RunningTransfer & { readonly file: string; readonly client: Client };

/**
 * The transfers of one address: by the client's address and port, because a repeated request joins its transfer
 * (netboot.md T10).
 */
export type Transfers = {
  /** Oldest first. */
  readonly byPeer: Map<number, Transfer>;
  readonly countsByClient: Map<number, number>;
};

/** No transfers yet. */
export function noTransfers(): Transfers {
  return { byPeer: new Map(), countsByClient: new Map() };
}

/** The client that sent a packet to the transfer port. */
export function clientOf({ address, port }: Peer): Client {
  return { address, port, text: formatIpv4(address) };
}

/** The transfer to a peer, if there is one. */
export function transferTo({ byPeer }: Transfers, peer: Peer): Transfer | undefined {
  return byPeer.get(keyOf(peer));
}

/** Whether one more transfer may start; the oldest transfer of a client with too many is dropped for it. */
export function makeRoom(transfers: Transfers, { address }: Client): TransferStart {
  const { byPeer, countsByClient } = transfers;
  const admission = admitTransfer({ total: byPeer.size, ofClient: countsByClient.get(address) ?? 0 });
  if (admission !== "replaceOldest") return admission;
  for (const transfer of byPeer.values()) {
    if (transfer.client.address !== address) continue;
    forgetTransfer(transfers, transfer);
    break;
  }
  return admission;
}

/** Remembers a transfer that has started. */
export function addTransfer({ byPeer, countsByClient }: Transfers, transfer: Transfer): void {
  const { client } = transfer;
  byPeer.set(keyOf(client), transfer);
  countsByClient.set(client.address, (countsByClient.get(client.address) ?? 0) + 1);
}

/** Closes and forgets a transfer; one that was already replaced by another is left alone. */
export function forgetTransfer({ byPeer, countsByClient }: Transfers, transfer: Transfer): void {
  const { client } = transfer;
  if (byPeer.get(keyOf(client)) !== transfer) return;
  transfer.close();
  byPeer.delete(keyOf(client));
  const left = (countsByClient.get(client.address) ?? 1) - 1;
  if (left > 0) countsByClient.set(client.address, left);
  else countsByClient.delete(client.address);
}

/** The source of a packet as one number: 32 bits of address, 16 of port. */
function keyOf({ address, port }: Peer): number {
  return address * 65_536 + port;
}
