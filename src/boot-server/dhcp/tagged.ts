import { clientMac } from "../../core/dhcp/codec/packet.ts";
import { readDhcp } from "../../core/dhcp/codec/read.ts";
import { broadcastAddress, noAddress } from "../../core/net/ipv4.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { PacketLog } from "../observe/packet-log.ts";
import { receiveTaggedRequests } from "../socket/tagged-requests.ts";
import { count, type NetworkStatus } from "./network-status.ts";

const sayEveryMs = 60_000;

/** What an operator can do about requests with a VLAN tag. */
export const taggedRemedy =
  "make Birther's network the native (untagged) VLAN of the machines' ports, and set no VLAN in their firmware's setup";

/** Counts the requests that arrive with a VLAN tag and so reach no socket of ours; logged once a minute. */
export function watchTaggedRequests(
  status: NetworkStatus,
  deps: { readonly store: Store; readonly packets: PacketLog; readonly clock: Clock; readonly log: Log },
): Disposable {
  const { store, packets, clock, log } = deps;
  const { interface: device, name } = status.network;
  if (device === undefined) return { [Symbol.dispose]: () => {} };
  let saidAtMs = Number.NEGATIVE_INFINITY;
  return receiveTaggedRequests(device, (bytes) => {
    const reading = readDhcp(bytes);
    if (reading.kind === "malformed" || reading.packet.op !== 1) return;
    status.received += 1;
    count(status.unanswered, "taggedVlan");
    const mac = clientMac(reading.packet);
    const id = mac === undefined ? undefined : store.byMac(mac)?.id;
    const source = { address: noAddress, port: 68 };
    const destination = { address: broadcastAddress, port: 67 };
    if (id !== undefined)
      packets.note(id, {
        atMs: clock.nowMs(),
        direction: "in",
        protocol: "dhcp",
        source,
        destination,
        bytes,
        tagged: true,
      });
    if (clock.monotonicMs() - saidAtMs < sayEveryMs) return;
    saidAtMs = clock.monotonicMs();
    log("warn", "DHCP request with a VLAN tag not answered: tagged VLANs are not supported", {
      ...{ network: name, interface: device, mac, next: taggedRemedy },
    });
  });
}
